//! Looking at what a request has changed, without putting anything back.

use crate::harness::{Victim, answers_stay_the_same, for_each_strategy};
use groundhog_engine::Changes;

fn look(victim: &Victim) -> Changes {
    victim.tracee.changes().unwrap_or_else(|error| panic!("{}: {error}", victim.label()))
}

/// Hot pages count as written in every request; only what differs is told.
#[test]
fn pages_that_differ_are_counted_by_mapping() {
    for_each_strategy("globals", &[], |victim| {
        victim.snapshot();
        for round in 1..=4 {
            victim.ask(round);
            let changes = look(victim);
            let program = |name: &str| name.ends_with("/globals");
            let written: u64 =
                changes.memory.iter().filter(|change| program(&change.name)).map(|change| change.pages).sum();
            assert!((3..=8).contains(&written), "{}: {changes:?}", victim.label());
            assert!(changes.memory.iter().any(|change| change.name == "[heap]"), "{changes:?}");
            assert!(changes.memory.iter().all(|change| !change.new), "{changes:?}");
            assert_eq!(changes.layout, [], "{}", victim.label());
            victim.restore();
        }
        // The processor's number, which the kernel writes, is no change of the process's.
        let changes = look(victim);
        assert_eq!(changes, Changes::default(), "{}", victim.label());
    });
}

#[test]
fn new_mappings_are_told_apart() {
    for_each_strategy("map_anonymous", &[], |victim| {
        victim.snapshot();
        victim.ask(1);
        let changes = look(victim);
        let alone = 0x2000_0000_0000;
        let added = changes.layout.iter().find(|change| change.start == alone).map(|change| change.what);
        assert_eq!(added, Some("added"), "{}: {changes:?}", victim.label());
        let written = changes.memory.iter().find(|change| change.start == alone);
        let told = written.map(|change| (change.pages, change.new, change.perms.as_str()));
        assert_eq!(told, Some((8, true, "rw-p")), "{}: {changes:?}", victim.label());
    });
}

/// A look in between changes nothing of what a restore finds.
#[test]
fn a_restore_after_a_look_is_complete() {
    for name in ["unmap", "remap_same", "discard", "private_file", "shared_memory", "deep_recursion"] {
        for_each_strategy(name, &[], |victim| {
            victim.snapshot();
            let first = victim.ask(1);
            assert_ne!(look(victim), Changes::default(), "{}", victim.label());
            victim.restore();
            assert_eq!(victim.ask(2), first, "{}", victim.label());
            look(victim);
            victim.restore();
            drop(answers_stay_the_same(victim));
        });
    }
}
