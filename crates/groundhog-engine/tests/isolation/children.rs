//! Children: pitfall 13. None survives a restore, however it was made.

use crate::harness::{
    Victim, alone, answers_stay_the_same, for_each_strategy, is_alive, is_refused, reverts,
};
use groundhog_engine::Reason;

const KINDS: [&str; 10] = [
    "fork",
    "session",
    "double",
    "generations",
    "vfork",
    "shared_memory",
    "silent",
    "with_threads",
    "stopped",
    "many",
];

fn make_children(victim: &mut Victim, round: u32) -> Vec<i32> {
    let answer = victim.ask(round);
    answer.split_whitespace().map(|pid| pid.parse().expect("the answer holds process ids")).collect()
}

#[test]
fn none_survives_a_restore() {
    for kind in KINDS {
        for_each_strategy("families", &[kind], |victim| {
            victim.snapshot();
            for round in 1..=4 {
                let children = make_children(victim, round);
                assert!(
                    !children.is_empty() && children.iter().all(|pid| is_alive(*pid)),
                    "{}",
                    victim.label()
                );
                let report = victim.restore();
                // Threads count with their process.
                let processes = if kind == "with_threads" { 1 } else { children.len() as u64 };
                assert!(report.children_killed >= processes, "{}: {report:?}", victim.label());
                for pid in children {
                    assert!(!is_alive(pid), "{}: child {pid} is alive", victim.label());
                }
            }
        });
    }
}

#[test]
fn none_survives_the_end_of_its_process() {
    for kind in KINDS {
        for_each_strategy("families", &[kind], |victim| {
            victim.snapshot();
            let children = make_children(victim, 1);
            victim.tracee.close();
            for pid in children {
                assert!(!is_alive(pid), "{}: child {pid} is alive", victim.label());
            }
        });
    }
}

#[test]
fn what_children_held_is_free_again() {
    reverts("children", &[]);
}

#[test]
fn a_storm_of_forks_ends() {
    let _alone = alone();
    reverts("fork_storm", &[]);
}

#[test]
fn what_a_child_does_to_its_parent_is_refused() {
    for kind in ["option", "object"] {
        is_refused("by_child", &[kind], Reason::KernelState);
    }
}

#[test]
fn what_a_child_sets_of_its_parent_is_put_back() {
    for kind in ["limit", "affinity", "lock", "duplicate", "memory", "unreadable"] {
        reverts("by_child", &[kind]);
    }
}

#[test]
fn what_a_child_does_to_itself_or_may_not_do_is_its_own_affair() {
    for kind in ["own", "stranger", "group"] {
        for_each_strategy("by_child", &[kind], |victim| drop(answers_stay_the_same(victim)));
    }
}

/// The number of a thread that executed is free afterwards, and may be a stranger's.
#[test]
fn a_child_whose_thread_executed_another_program_is_killed() {
    for_each_strategy("child_changes_thread", &[], |victim| {
        let reports = answers_stay_the_same(victim);
        assert!(reports.iter().all(|report| report.children_killed == 1), "{reports:?}");
    });
}

#[test]
fn they_may_be_stopped_and_go_on() {
    for (how, signal) in [("stop", 19), ("tstp", 20)] {
        for_each_strategy("stopped_children", &[how], |victim| {
            victim.snapshot();
            for request in 1..=3 {
                let told = victim.ask(request);
                assert_eq!(told, format!("1: stopped {signal}, exited 7; stopped 19"), "{}", victim.label());
                victim.restore();
            }
        });
    }
}
