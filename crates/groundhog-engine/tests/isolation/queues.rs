//! What waits in pipes, sockets, counters and timers.

use crate::harness::{
    Start, answers_stay_the_same, expect_refusal, for_each_strategy, is_from, is_refused, leaks_by_itself,
    nothing_like_it_here, reverts, sees_what_it_left, snapshot_is_refused, strategies,
};
use groundhog_engine::Reason;
use std::io::Write;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;

#[test]
fn what_waited_at_the_snapshot_is_put_back() {
    reverts("queue_replaced", &[]);
    for kind in ["pipe-taken", "pipe-added", "semaphore-taken", "semaphore-added", "socket-taken"] {
        reverts("queues", &[kind]);
    }
}

#[test]
fn what_was_empty_is_emptied() {
    reverts("pipe_bytes", &[]);
    for kind in ["packets", "semaphore", "events"] {
        reverts("queues", &[kind]);
    }
}

/// Each request waits for two seconds, so there are few.
#[test]
fn a_timer_of_the_snapshot_has_not_passed() {
    leaks_by_itself("queues", &["timer"]);
    for_each_strategy("queues", &["timer"], |victim| {
        victim.snapshot();
        let first = victim.ask(1);
        for round in 2..=3 {
            victim.restore();
            assert_eq!(victim.ask(round), first, "{}: {round}", victim.label());
        }
    });
}

#[test]
fn a_process_that_wakes_itself_through_a_pair_keeps_it() {
    reverts("queues", &["pair"]);
    for_each_strategy("queues", &["pair"], |victim| {
        let reports = answers_stay_the_same(victim);
        assert!(reports.iter().all(|report| report.connections_shut == 0 && report.bytes_drained > 0));
    });
}

#[test]
fn a_signalfd_tells_of_nothing_that_a_request_caused() {
    reverts("queues", &["signals"]);
}

/// The tracer of a process gets word of its end, too, by a signal that waits for its own thread.
#[test]
fn a_signalfd_is_not_looked_at_with_the_supervisors_eyes() {
    for_each_strategy("queues", &["signals"], |victim| drop(answers_stay_the_same(victim)));
}

#[test]
fn a_semaphore_that_was_raised_without_measure_is_refused() {
    is_refused("queues", &["semaphore-much"], Reason::DescriptorChanged);
}

/// What came of it may be used where no call on the snapshot's numbers is seen.
#[test]
fn a_descriptor_that_a_process_sends_to_itself_is_refused() {
    is_refused("queues", &["rights"], Reason::KernelState);
    is_refused("queues", &["rights-many"], Reason::KernelState);
    is_refused("queues", &["rights-by-child"], Reason::KernelState);
}

#[test]
fn pipes_of_the_request_may_be_handed_on() {
    if is_from(6, 5) {
        reverts("hands_on", &["own"]);
    } else {
        // Nobody tells whether the process that gets them is still the one that it was.
        is_refused("hands_on", &["own"], Reason::KernelState);
    }
}

#[test]
fn what_a_later_request_could_be_reached_by_may_not() {
    for kind in ["kept", "through", "shared", "many"] {
        is_refused("hands_on", &[kind], Reason::KernelState);
    }
}

/// Who gets something outside keeps it, and a request may open anew what the snapshot has.
fn is_not_handed_outside<T>(kind: &str, listen: impl Fn(&Path) -> std::io::Result<T>) {
    for strategy in strategies() {
        let path = std::env::temp_dir().join(format!("groundhog-{kind}-{}-{strategy}", std::process::id()));
        let outside = listen(&path).expect("a name that is free");
        let name = path.to_str().expect("a name in UTF-8");
        let mut victim = Start::of("hands_on", &[kind, name]).with(strategy);
        victim.snapshot();
        assert_eq!(victim.ask(1), "sent", "{}", victim.label());
        expect_refusal(&victim, Reason::KernelState);
        drop(outside);
        std::fs::remove_file(&path).expect("it was made");
    }
}

#[test]
fn nothing_is_handed_on_to_a_process_outside() {
    is_not_handed_outside("outside", |path| UnixListener::bind(path));
}

#[test]
fn nor_by_a_socket_that_says_it_leads_to_the_process_itself() {
    is_not_handed_outside("outside-pair", |path| UnixDatagram::bind(path));
}

#[test]
fn messages_of_bytes_alone_are_not() {
    for_each_strategy("queues", &["rights-none"], |victim| drop(answers_stay_the_same(victim)));
}

#[test]
fn messages_that_were_taken_are_missed() {
    is_refused("queues", &["messages"], Reason::KernelState);
}

#[test]
fn what_cannot_be_put_back_is_not_taken_into_a_snapshot() {
    for kind in ["packets-waiting", "rights-waiting", "events-waiting", "pipe-packets"] {
        snapshot_is_refused("queues", &[kind], |reason| reason == Reason::DescriptorChanged);
    }
}

/// A pipe that only others write into cannot be filled again.
#[test]
fn what_was_taken_from_somebody_elses_pipe_is_refused() {
    for strategy in strategies() {
        let (theirs, mut ours) = std::io::pipe().expect("a pipe");
        ours.write_all(b"waiting!").expect("there is room");
        let mut victim = Start::of("queues", &["given"]).descriptor(9, &theirs).with(strategy);
        victim.snapshot();
        assert_eq!(victim.ask(1), "0 nothing taken");
        victim.restore();
        ours.write_all(b"replaced").expect("there is room");
        assert_eq!(victim.ask(2), "0 waiting!");
        expect_refusal(&victim, Reason::DescriptorChanged);
    }
}

/// A snapshot sets the times of files back that it has read.
#[test]
fn a_snapshot_leaves_no_events_of_its_own() {
    reverts("watches_folder", &[]);
}

#[test]
fn a_byte_out_of_band_is_taken_out_of_a_pair() {
    for kind in ["waiting", "empty"] {
        reverts("urgent_byte", &[kind]);
    }
}

/// The kernel goes on counting a byte that was read past.
#[test]
fn a_pair_that_counts_a_byte_out_of_band_that_is_gone_is_refused() {
    let passed = ("urgent_byte", &["passed"][..]);
    if sees_what_it_left(passed.0, passed.1) {
        is_refused(passed.0, passed.1, Reason::DescriptorChanged);
    } else {
        nothing_like_it_here("Linux 6.1 does not count it");
        for_each_strategy(passed.0, passed.1, |victim| drop(answers_stay_the_same(victim)));
    }
}
