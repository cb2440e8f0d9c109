//! Children: pitfall 13. None survives a restore, however it was made.

use crate::harness::{Victim, for_each_strategy, is_alive, reverts};

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
                assert!(report.children_killed >= children.len() as u64, "{}: {report:?}", victim.label());
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
    reverts("fork_storm", &[]);
}
