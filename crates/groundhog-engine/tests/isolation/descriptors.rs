//! Descriptors, and the bytes in our own pipes: pitfall 21.

use crate::harness::{
    Start, alone, answers_stay_the_same, for_each_strategy, is_refused, leaks_by_itself,
    nothing_like_it_here, reverts, strategies, wait_until,
};
use groundhog_engine::{Error, JailOptions, Means, Reason, Strategy, capabilities};
use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn new_ones_are_closed() {
    reverts("descriptors_opened", &[]);
}

#[test]
fn closed_and_replaced_ones_are_put_back() {
    reverts("descriptor_closed", &[]);
    reverts("descriptor_replaced", &[]);
    for_each_strategy("descriptor_replaced", &[], |victim| {
        let reports = answers_stay_the_same(victim);
        assert!(reports.iter().all(|report| report.fds_put_back == 1), "{reports:?}");
    });
}

/// Where closes are not seen, they are looked for.
#[test]
fn closed_ones_are_put_back_without_the_kernel_telling_of_it() {
    for (name, most) in [("descriptor_closed", 1), ("reopened", 1), ("many_descriptors", 300)] {
        leaks_by_itself(name, &[]);
        for strategy in strategies() {
            let reports = answers_stay_the_same(&mut Start::of(name, &[]).unwatched().with(strategy));
            assert!(reports.iter().all(|report| report.fds_put_back == most), "{name}: {reports:?}");
            let is_stopped = ["close", "close_range"].iter().any(|call| reports[0].stops.contains_key(call));
            // By others only calls tell that a mapping of a library was replaced, so that they are always seen.
            let tells = matches!(strategy, Strategy::Hot | Strategy::Classic);
            assert!(!(tells && is_stopped), "{name} ({strategy}) was stopped");
        }
    }
}

#[test]
fn offsets_are_put_back() {
    reverts("descriptor_offset", &[]);
}

/// Numbers of the supervisor's that become free while a snapshot is taken are those of its duplicates next.
#[test]
fn offsets_are_put_back_while_the_supervisor_opens_and_closes_files() {
    let enough = Arc::new(AtomicBool::new(false));
    let busy = std::thread::spawn({
        let enough = Arc::clone(&enough);
        move || {
            while !enough.load(Ordering::Relaxed) {
                let files: Vec<_> = (0..8).map(|_| std::fs::File::open("/dev/null")).collect();
                assert!(files.iter().all(Result::is_ok), "files can be opened");
            }
        }
    });
    let mut victim = Start::of("descriptor_offset", &[]).with(strategies()[0]);
    let answers: Vec<String> = (1..200)
        .map(|round| {
            victim.snapshot();
            let answer = victim.ask(round);
            victim.restore();
            answer
        })
        .collect();
    enough.store(true, Ordering::Relaxed);
    busy.join().expect("files can be opened");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[test]
fn flags_are_put_back() {
    reverts("open_file_flags", &[]);
    reverts("descriptor_flags", &[]);
}

#[test]
fn answers_that_come_too_late_are_dropped_and_counted() {
    reverts("late_answer", &[]);
    reverts("second_answer", &[]);
    for_each_strategy("count", &[], |victim| {
        victim.snapshot();
        victim.send(1);
        wait_until("the answer", || victim.unread() > 0);
        let late = victim.unread();
        let report = victim.restore();
        assert_eq!((report.bytes_drained, victim.unread()), (late, 0), "{}", victim.label());
    });
}

#[test]
fn requests_that_a_process_sends_itself_are_dropped() {
    reverts("forged_request", &[]);
}

/// A file that we have open ourselves, such as a log, is not the function's alone: where it is written goes on.
#[test]
fn the_offset_of_a_file_that_the_supervisor_shares_is_left_alone() {
    for strategy in strategies() {
        let mut log = std::fs::File::from(
            rustix::fs::memfd_create("log", rustix::fs::MemfdFlags::CLOEXEC).expect("memfd"),
        );
        let mut victim = Start::of("count", &[]).descriptor(1, &log).with(strategy);
        victim.snapshot();
        log.write_all(b"of the supervisor\n").expect("a file in memory can be written");
        victim.ask(1);
        victim.restore();
        assert_eq!(log.stream_position().expect("it can seek"), 18, "{}", victim.label());
        log.seek(SeekFrom::Start(0)).expect("it can seek");
    }
}

#[test]
fn a_closed_answer_descriptor_is_put_back() {
    for_each_strategy("closes_answer", &[], |victim| {
        victim.snapshot();
        victim.send(1);
        // No end of file tells it: whatever has a snapshot of the process has a duplicate.
        let closed = format!("/proc/{}/fd/3", victim.tracee.pid());
        wait_until("the end of its answers", || std::fs::read_link(&closed).is_err());
        assert_eq!(victim.restore().fds_put_back, 1, "{}", victim.label());
    });
}

/// More than one message can hold.
#[test]
fn hundreds_of_closed_ones_are_put_back() {
    for_each_strategy("many_descriptors", &[], |victim| {
        let reports = answers_stay_the_same(victim);
        assert!(reports.iter().all(|report| report.fds_put_back == 300), "{reports:?}");
    });
}

#[test]
fn what_is_done_through_a_duplicate_is_put_back() {
    for kind in ["lock", "size"] {
        reverts("duplicates", &[kind]);
    }
    is_refused("duplicates", &["option"], Reason::DescriptorChanged);
}

/// Whatever is not taken of them is told to the next request. How memory is followed is all the same to it.
#[test]
fn all_events_of_a_large_set_are_taken() {
    let _alone = alone();
    allow_many_descriptors();
    // The others: those that it had ready at the snapshot are there again.
    for (arguments, edges) in [(["1100", "numbered", ""], 0), (["1100", "alike", "ready"], 1100)] {
        let mut victim = Start::of("epoll_many", &arguments).with(Strategy::Copy);
        victim.snapshot();
        for round in 1..=2 {
            assert_eq!(victim.ask(round), format!("{{\"edges\":{edges}}}"), "{}", victim.label());
            let restored = victim.tracee.restore(false);
            assert!(restored.is_ok(), "{}: {restored:?}", victim.label());
        }
    }
}

#[test]
fn a_set_with_more_events_than_can_be_taken_at_once_is_refused() {
    let _alone = alone();
    allow_many_descriptors();
    let mut victim = Start::of("epoll_many", &["5500", "numbered"]).with(Strategy::Copy);
    victim.snapshot();
    victim.ask(1);
    match victim.tracee.restore(false) {
        Err(Error::RestoreRefused { reason: Reason::DescriptorChanged, message, .. }) => {
            assert!(message.contains("is an epoll set with 5461 events or more"), "{message}");
        }
        other => panic!("{}: {other:?}", victim.label()),
    }
}

/// For this process, which has duplicates of all that a victim has open, and for victims.
fn allow_many_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const ENOUGH: u64 = 16_384;
    // Only root may raise the maximum, where it is lower.
    let maximum = getrlimit(Resource::Nofile).maximum.map(|maximum| maximum.max(ENOUGH));
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
        .unwrap_or_else(|error| panic!("{ENOUGH} descriptors are needed (ulimit -Hn): {error}"));
}

/// On whose behalf it would be told stays, which shows where that is not root.
#[test]
fn an_owner_is_put_back_where_nothing_stays_of_it() {
    let root = rustix::process::geteuid().is_root();
    if root {
        reverts("duplicates", &["owner"]);
    } else {
        is_refused("duplicates", &["owner"], Reason::DescriptorChanged);
    }
}

#[test]
fn locks_are_given_up() {
    reverts("locks", &[]);
}

#[test]
fn a_lock_that_was_lost_is_refused() {
    is_refused("lock_lost", &[], Reason::DescriptorChanged);
}

#[test]
fn what_an_epoll_set_watches_is_put_back() {
    for kind in ["added", "changed", "removed", "once"] {
        reverts("epoll_sets", &[kind]);
    }
}

#[test]
fn duplicates_alone_are_closed() {
    for_each_strategy("duplicates", &["nothing"], |victim| drop(answers_stay_the_same(victim)));
}

#[test]
fn a_table_of_its_own_for_one_thread_is_refused() {
    is_refused("own_table", &["thread"], Reason::KernelState);
}

#[test]
fn a_flag_lost_on_the_way_is_put_back() {
    reverts("own_table", &["flag"]);
}

/// The calls that are seen are those on the descriptors of the last snapshot.
#[test]
fn descriptors_of_a_later_snapshot_are_watched() {
    for_each_strategy("opens_then_locks", &[], |victim| {
        victim.snapshot();
        assert_eq!(victim.ask(1), "opened", "{}", victim.label());
        victim.snapshot();
        assert_eq!(victim.ask(2), "locked", "{}", victim.label());
        assert_eq!(victim.restore().attributes_reverted, 1, "{}", victim.label());
    });
}

/// Before Linux 6.16 root can set what all of them share, on the whole machine.
#[test]
fn what_all_eventfds_share_is_put_back() {
    for strategy in strategies() {
        let mut other = Start::of("inode_of_all", &[]).with(strategy);
        other.snapshot();
        let first = other.ask(1);
        other.restore();
        assert_eq!(other.ask(2), first, "after a restore");
        other.restore();
        let mut victim = Start::of("inode_of_all", &["exits"]).with(strategy);
        victim.snapshot();
        victim.send(3);
        victim.wait_for_answer_or_end();
        wait_until("word of the end", || victim.tracee.ending().is_some());
        assert_eq!(other.ask(4), first, "after the end of another process");
        other.restore();
    }
}

/// Where root is nobody, as in a jail of another user, an owner of nobody's is told otherwise than that there never was one.
#[test]
fn nobody_is_told_whether_anything_about_an_owner_was_ever_set() {
    const NOBODY: (u32, u32) = (65534, 65534);
    if let Some(refusal) = capabilities().jail_refusal(Means::Namespace) {
        nothing_like_it_here(&refusal);
        return;
    }
    if !rustix::process::geteuid().is_root() {
        nothing_like_it_here("only root can become another user");
        return;
    }
    let jail =
        || JailOptions { means: Means::Namespace, private: vec![], most: (1 << 20, 100), own_network: false };
    let start = || Start::of("owner_users", &[]).becoming(NOBODY).jailed(jail());
    let mut alone = start().with(strategies()[0]);
    if alone.ask(1) == alone.ask(2) {
        nothing_like_it_here("users who set owners");
        return;
    }
    for strategy in strategies() {
        answers_stay_the_same(&mut start().with(strategy));
    }
}
