//! Threads that begin and end.

use crate::harness::{
    Start, answers_stay_the_same, expect_refusal, for_each_strategy, is_refused, leaks_by_itself,
    nothing_like_it_here, reverts, strategies, wait_until,
};
use groundhog_engine::{Error, Reason};
use std::time::{Duration, Instant};

#[test]
fn threads_left_running_are_ended() {
    leaks_by_itself("threads_started", &[]);
    for_each_strategy("threads_started", &[], |victim| {
        let reports = answers_stay_the_same(victim);
        assert!(reports.iter().all(|report| report.threads_ended == 3), "{}", victim.label());
    });
}

#[test]
fn stacks_of_threads_that_ended_are_clean() {
    reverts("threads_ended", &[]);
}

/// A stop of its own takes the place of the one that was asked for, which then has to be asked for again.
#[test]
fn threads_on_their_way_into_a_stop_of_their_own_are_stopped() {
    for_each_strategy("calls_on", &[], |victim| {
        victim.snapshot();
        let enough = Instant::now() + Duration::from_secs(5);
        for round in (1..=200).take_while(|_| Instant::now() < enough) {
            assert_eq!(victim.ask(round), "requests 0", "{}: {round}", victim.label());
            victim.restore();
        }
    });
}

/// What it sets for itself while it begins would count as what a request did.
#[test]
fn a_thread_that_was_just_made_begins_before_the_snapshot() {
    for _ in 0..3 {
        for_each_strategy("thread_begins", &[], |victim| {
            victim.snapshot();
            assert_eq!(victim.ask(1), "made", "{}", victim.label());
            victim.restore();
        });
    }
}

#[test]
fn a_thread_of_the_snapshot_that_ended_is_put_back() {
    leaks_by_itself("thread_ends", &[]);
    for_each_strategy("thread_ends", &[], |victim| {
        let reports = answers_stay_the_same(victim);
        assert!(reports.iter().all(|report| report.threads_put_back == 1), "{}", victim.label());
    });
}

#[test]
fn a_thread_exchanged_for_another_is_put_back() {
    reverts("thread_swapped", &[]);
}

/// The kernel gives them to others, which see it.
#[test]
fn a_thread_that_ended_holding_futexes_is_refused() {
    is_refused("thread_ends", &["robust"], Reason::ThreadEnded);
}

#[test]
fn a_later_snapshot_does_not_have_what_ended_before() {
    for_each_strategy("thread_ends", &[], |victim| {
        assert_eq!(victim.snapshot().threads, 2, "{}", victim.label());
        for round in 1..=2 {
            assert_eq!(victim.ask(round), "it was there", "{}", victim.label());
            victim.restore();
        }
        victim.ask(3);
        assert_eq!(victim.snapshot().threads, 1, "{}", victim.label());
        for round in 4..=5 {
            assert_eq!(victim.ask(round), "it was gone", "{}", victim.label());
            assert_eq!(victim.restore().threads_put_back, 0, "{}", victim.label());
        }
    });
}

/// Those that are held at their ends do not keep it alive.
#[test]
fn a_process_ends_with_the_last_of_its_threads() {
    for last in ["last", "first"] {
        for_each_strategy("thread_ends", &[last], |victim| {
            victim.snapshot();
            assert_eq!(victim.ask(1), "it was there", "{}", victim.label());
            wait_until("its end", || victim.tracee.ending().is_some());
        });
    }
}

/// The kernel writes to a thread's memory before it makes a call.
#[test]
fn a_thread_whose_memory_is_gone_is_put_back_after_that() {
    for_each_strategy("stack_given", &["called"], |victim| {
        let reports = answers_stay_the_same(victim);
        assert!(reports.iter().all(|report| report.threads_put_back <= 1), "{}", victim.label());
    });
}

#[test]
fn a_thread_whose_memory_was_taken_away_is_not_waited_for() {
    for kind in ["live", "new"] {
        for_each_strategy("stack_given", &[kind], |victim| {
            victim.snapshot();
            if victim.ask(1) == "absent" {
                nothing_like_it_here(victim.label());
                return;
            }
            expect_refusal(victim, Reason::RemoteCall);
        });
    }
}

#[test]
fn a_later_snapshot_leaves_memory_alone_that_was_a_threads() {
    for_each_strategy("stack_given", &["reused"], |victim| {
        victim.snapshot();
        if victim.ask(1) == "absent" {
            nothing_like_it_here(victim.label());
            return;
        }
        assert_eq!(victim.snapshot().threads, 1, "{}", victim.label());
        assert_eq!(victim.ask(2), "over, 0 others", "{}", victim.label());
    });
}

#[test]
fn a_later_snapshot_is_refused_without_the_memory_of_a_thread() {
    for_each_strategy("stack_given", &["gone"], |victim| {
        victim.snapshot();
        if victim.ask(1) == "absent" {
            nothing_like_it_here(victim.label());
            return;
        }
        match victim.tracee.snapshot() {
            Err(Error::SnapshotRefused { reason: Reason::ThreadEnded, .. }) => drop(victim.ask(2)),
            other => panic!("{}: {other:?}", victim.label()),
        }
    });
}

#[test]
fn a_first_thread_that_ended_is_refused() {
    is_refused("first_thread_ends", &[], Reason::ThreadEnded);
}

#[test]
fn another_program_is_refused() {
    is_refused("becomes_another", &[], Reason::Exec);
}

/// The kernel keeps one for each thread that has copied from a file, and counts it among those that the user may have.
#[test]
fn room_for_pipes_does_not_tell_which_threads_have_copied() {
    /// Nobody else's, since all that a user has counts.
    const USER: (u32, u32) = (48_213, 48_213);
    if !rustix::process::geteuid().is_root() {
        nothing_like_it_here("only root can become another user");
        return;
    }
    let start = || Start::of("pipes_of_threads", &[]).becoming(USER);
    let mut alone = start().with(strategies()[0]);
    assert_ne!(alone.ask(1), alone.ask(2), "it does not see what it left");
    drop(alone);
    for strategy in strategies() {
        answers_stay_the_same(&mut start().with(strategy));
    }
}
