//! Snapshots after snapshots, attaching and letting go, and processes that die at any moment.

use crate::harness::{
    Start, Stranger, answers_stay_the_same, for_each_strategy, is_alive, strategies, wait_until_gone,
};
use groundhog_engine::{Error, Reason, Strategy, Tracee};
use std::time::{Duration, Instant};

#[test]
fn a_second_snapshot_takes_the_place_of_the_first() {
    for_each_strategy("count", &[], |victim| {
        victim.snapshot();
        let first = victim.ask(1);
        let second = victim.ask(2);
        assert_ne!(first, second, "{}", victim.label());
        victim.snapshot();
        let third = victim.ask(3);
        for round in 4..8 {
            victim.restore();
            assert_eq!(victim.ask(round), third, "{}", victim.label());
        }
    });
}

/// Also when the layout was another one at the first.
#[test]
fn a_second_snapshot_keeps_what_requests_had_mapped() {
    for name in ["map_anonymous", "mremap", "brk", "heap"] {
        for_each_strategy(name, &[], |victim| {
            victim.snapshot();
            victim.ask(1);
            answers_stay_the_same(victim);
        });
    }
}

/// One could say in our place which call it was, and hide what later requests do.
#[test]
fn a_second_snapshot_is_refused_after_a_filter_of_its_own() {
    for_each_strategy("filtered", &["during"], |victim| {
        victim.snapshot();
        assert_eq!(victim.ask(1), "mapped", "{}", victim.label());
        match victim.tracee.snapshot() {
            Err(Error::SnapshotRefused { reason: Reason::Filter, .. }) => {}
            other => panic!("{}: {other:?}", victim.label()),
        }
    });
}

/// As a script's interpreter does, and the program behind a wrapper.
#[test]
fn a_process_that_became_another_program_before_its_snapshot_is_restored() {
    for_each_strategy("becomes_another", &[], |victim| {
        victim.send(1);
        assert_eq!(victim.answer(), r#"{"ok":true}"#, "{}", victim.label());
        victim.snapshot();
        victim.ask_for("stay");
        victim.restore();
        victim.ask_for("stay");
    });
}

#[test]
fn a_restore_needs_a_snapshot() {
    for_each_strategy("count", &[], |victim| {
        assert!(matches!(victim.tracee.restore(false), Err(Error::Misuse { .. })));
        assert!(matches!(victim.tracee.verify(), Err(Error::Misuse { .. })));
        victim.ask(1);
    });
}

#[test]
fn verify_finds_what_a_request_wrote() {
    for_each_strategy("count", &[], |victim| {
        victim.snapshot();
        victim.tracee.verify().unwrap_or_else(|error| panic!("{}: {error}", victim.label()));
        victim.ask(1);
        assert!(matches!(victim.tracee.verify(), Err(Error::Mismatch { .. })), "{}", victim.label());
        victim.restore();
        victim.tracee.verify().unwrap_or_else(|error| panic!("{}: {error}", victim.label()));
    });
}

#[test]
fn a_process_that_ended_by_itself_is_told_as_such() {
    for_each_strategy("exits", &[], |victim| {
        victim.snapshot();
        victim.send(1);
        victim.wait_for_answer_or_end();
        let ended = victim.tracee.restore(true);
        assert!(matches!(ended, Err(Error::Exited { .. })), "{}: {ended:?}", victim.label());
        assert!(victim.tracee.ending().is_some(), "{}", victim.label());
    });
}

/// Kills a process some time after `operation` began: the times sweep over all of it.
fn killed_during(name: &str, operation: impl Fn(&Tracee) -> Result<(), Error>) {
    for strategy in strategies() {
        let mut outcomes = (0, 0);
        let enough = Instant::now() + Duration::from_secs(4);
        for step in (0..40).step_by(2) {
            if outcomes.1 > 0 && Instant::now() > enough {
                break; // an emulated machine
            }
            let mut victim = Start::of(name, &[]).with(strategy);
            victim.snapshot();
            victim.ask(1);
            let result = std::thread::scope(|scope| {
                scope.spawn(|| {
                    for _ in 0..step * 400 {
                        std::hint::spin_loop();
                    }
                    victim.tracee.kill();
                });
                operation(&victim.tracee)
            });
            match result {
                Ok(()) => outcomes.0 += 1,
                Err(Error::Exited { .. }) => outcomes.1 += 1,
                Err(other) => panic!("{}: {other}", victim.label()),
            }
            victim.tracee.close();
            assert!(!is_alive(victim.tracee.pid()), "{}", victim.label());
        }
        assert!(outcomes.1 > 0, "{name}: never killed in time");
    }
}

#[test]
fn killed_in_the_middle_of_a_snapshot() {
    killed_during("count", |tracee| tracee.snapshot().map(drop));
    killed_during("threads_started", |tracee| tracee.snapshot().map(drop));
}

#[test]
fn killed_in_the_middle_of_a_restore() {
    killed_during("count", |tracee| tracee.restore(true).map(drop));
    killed_during("threads_started", |tracee| tracee.restore(true).map(drop));
    killed_during("mremap", |tracee| tracee.restore(true).map(drop));
}

#[test]
fn a_started_restore_makes_its_descriptor_readable() {
    use rustix::event::{PollFd, PollFlags, poll};
    for_each_strategy("count", &[], |victim| {
        victim.snapshot();
        let first = victim.ask(1);
        for round in 2..6 {
            victim.tracee.start_restore(true).expect("none is under way");
            assert!(matches!(victim.tracee.start_restore(true), Err(Error::Misuse { .. })));
            let mut fds = [PollFd::new(victim.tracee.done_fd(), PollFlags::IN)];
            poll(&mut fds, None).expect("polling an eventfd");
            victim.tracee.finish_restore().unwrap_or_else(|error| panic!("{}: {error}", victim.label()));
            assert!(matches!(victim.tracee.finish_restore(), Err(Error::Misuse { .. })));
            assert_eq!(victim.ask(round), first, "{}", victim.label());
        }
    });
}

#[test]
fn a_dropped_handle_leaves_nothing() {
    for_each_strategy("waits", &[], |victim| {
        let pid = victim.tracee.pid();
        victim.tracee.close();
        assert!(!is_alive(pid));
    });
}

/// Its calls are not seen, so what they changed is looked for.
#[test]
fn what_a_process_attached_to_changed_is_put_back() {
    let names = [
        "attribute_umask",
        "attribute_cwd",
        "attribute_limits",
        "attribute_affinity",
        "attribute_name",
        "attribute_prctl",
        "attribute_locked",
        "timers",
    ];
    for name in names {
        let mut stranger = Stranger::start(name, &[]);
        let tracee = stranger.traced(strategies()[0]);
        tracee.snapshot().unwrap_or_else(|error| panic!("{name}: {error}"));
        let first = stranger.ask(1);
        for round in 2..5 {
            tracee.restore(true).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(stranger.ask(round), first, "{name}");
        }
    }
}

#[test]
fn a_process_attached_to_is_refused_when_it_changed_what_cannot_be_put_back() {
    let mut stranger = Stranger::start("stays", &["session"]);
    let tracee = stranger.traced(strategies()[0]);
    tracee.snapshot().expect("a process that waits");
    stranger.ask(1);
    match tracee.restore(false) {
        Err(Error::RestoreRefused { reason: Reason::KernelState, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn signal_actions_of_a_process_attached_to_are_set_back() {
    let mut stranger = Stranger::start("signal_actions", &[]);
    let tracee = stranger.traced(strategies()[0]);
    tracee.snapshot().expect("a process that waits");
    let first = stranger.ask(1);
    for round in 2..5 {
        tracee.restore(true).expect("only actions were changed");
        assert_eq!(stranger.ask(round), first);
    }
}

#[test]
fn a_process_attached_to_is_restored_and_let_go() {
    for name in ["count", "threads_ended", "unmap", "mremap", "brk", "discard", "private_file"] {
        for strategy in strategies() {
            let mut stranger = Stranger::start(name, &[]);
            let tracee = stranger.traced(strategy);
            let pid = tracee.pid();
            tracee.snapshot().unwrap_or_else(|error| panic!("{name} ({strategy}): {error}"));
            let first = stranger.ask(1);
            for round in 2..6 {
                tracee.restore(true).unwrap_or_else(|error| panic!("{name} ({strategy}): {error}"));
                assert_eq!(stranger.ask(round), first, "{name} ({strategy})");
            }
            drop(tracee);
            // It goes on alone, and remembers from now on.
            let changed = (6..18).any(|round| stranger.ask(round) != first);
            assert!(changed, "{name} ({strategy})");
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
            assert!(status.contains("TracerPid:\t0\n"), "{status}");
        }
    }
}

#[test]
fn threads_made_out_of_sight_are_refused() {
    // Only a process that we did not start can make them.
    for strategy in strategies() {
        let mut stranger = Stranger::start("untraced", &[]);
        let pid = i32::try_from(stranger.child.id()).expect("a process id");
        let tracee = Tracee::attach(pid, Some(strategy), true).expect("it is ours");
        tracee.snapshot().expect("nothing is wrong yet");
        stranger.ask(1);
        let refused = tracee.restore(true);
        assert!(
            matches!(refused, Err(Error::RestoreRefused { reason: Reason::Untraced, .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn a_process_without_a_program_cannot_be_started() {
    let error = groundhog_engine::Tracee::spawn(groundhog_engine::SpawnOptions {
        argv: vec!["no-such-program-anywhere".into()],
        ..Default::default()
    });
    let message = error.expect_err("there is no such program").to_string();
    assert_eq!(
        message,
        "cannot start no-such-program-anywhere: looking it up: No such file or directory (os error 2)"
    );
}

/// Its thread waits in the kernel until its child ends, and cannot be stopped there.
#[test]
fn a_snapshot_that_takes_too_long_is_refused_and_says_so() {
    let mut victim = Start::of("families", &["vfork"]).with(Strategy::Copy);
    victim.ask(1);
    let error = victim.tracee.snapshot().expect_err("it cannot be stopped");
    assert!(matches!(error, Error::SnapshotRefused { reason: Reason::Stopped, .. }), "{error}");
    assert!(error.to_string().contains("in time, and was killed"), "{error}");
    wait_until_gone(victim.tracee.pid());
}
