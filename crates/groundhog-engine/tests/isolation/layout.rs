//! Mappings and the break: pitfalls 2 and 17.

use crate::harness::{
    Start, answers_stay_the_same, expect_refusal, for_each_strategy, is_refused, reverts, reverts_few_pages,
    snapshot_is_refused, strategies,
};
use groundhog_engine::{Reason, Strategy};

#[test]
fn mappings_added() {
    reverts("map_anonymous", &[]);
}

#[test]
fn mappings_removed_whole_and_in_part() {
    reverts("unmap", &[]);
}

#[test]
fn mappings_that_grow_without_a_page() {
    reverts("grows_unseen", &[]);
}

/// Where a scan does not look.
#[test]
fn mappings_far_above() {
    snapshot_is_refused("far_mapped", &["before"], |reason| reason == Reason::MappingKind);
    for_each_strategy("far_mapped", &["in_request"], |victim| drop(answers_stay_the_same(victim)));
}

#[test]
fn mappings_that_the_snapshot_made_one() {
    for how in ["written", "exchanged"] {
        reverts("decommitted", &[how]);
    }
}

/// Nothing but the call tells of it, which is seen whatever was asked for.
#[test]
fn mappings_of_one_open_file_are_watched_where_others_are_not() {
    for strategy in strategies() {
        for start in [Start::of("parted", &[]), Start::of("parted", &[]).unwatched()] {
            let mut victim = start.with(strategy);
            victim.snapshot();
            assert_eq!(victim.ask(1), "exchanged");
            expect_refusal(&victim, Reason::Layout);
        }
    }
}

#[test]
fn mappings_of_one_open_file_are_watched_wherever_they_are() {
    for (strategy, way) in strategies().into_iter().flat_map(|strategy| [3, 4, 5].map(|way| (strategy, way)))
    {
        for start in [Start::of("mappings_apart", &[]), Start::of("mappings_apart", &[]).unwatched()] {
            let mut victim = start.with(strategy);
            victim.snapshot();
            assert_eq!(victim.ask(way), r#"{"moved":1,"mapped":1}"#);
            expect_refusal(&victim, Reason::Layout);
        }
    }
}

/// Private ones have their own pages, which keeps them apart only as long as they have.
#[test]
fn private_mappings_of_one_open_file_are_not_mapped_anew() {
    for (strategy, way) in
        strategies().into_iter().flat_map(|strategy| (5..10).map(move |way| (strategy, way)))
    {
        for start in [Start::of("private_apart", &[]), Start::of("private_apart", &[]).unwatched()] {
            let mut victim = start.with(strategy);
            victim.snapshot();
            let joined = victim.ask(way);
            // Not every kernel joins what has no pages left.
            assert!(
                [1, 2]
                    .map(|pieces| format!(r#"{{"with_descriptor":{pieces},"with_mapping":{pieces}}}"#))
                    .contains(&joined),
                "{joined}"
            );
            expect_refusal(&victim, Reason::Layout);
        }
    }
}

#[test]
fn mappings_replaced_by_others_that_look_the_same() {
    reverts("remap_same", &[]);
    reverts("file_replaced", &[]);
}

#[test]
fn mappings_moved_away_moved_back_and_resized() {
    reverts("mremap", &[]);
}

#[test]
fn mappings_moved_with_the_old_one_left_behind() {
    for then in ["untouched", "read", "written"] {
        reverts("keep_old", &[then]);
    }
}

#[test]
fn protections_changed_and_changed_back_around_a_write() {
    reverts("protect", &[]);
}

#[test]
fn the_break_across_pages() {
    reverts("brk", &[]);
}

#[test]
fn the_break_within_its_page() {
    reverts("brk_within", &[]);
}

/// A process that the kernel does not watch for us is looked at in full, and comes out the same.
#[test]
fn layouts_are_reverted_without_the_kernel_telling_of_calls() {
    for name in ["unmap", "remap_same", "mremap", "protect", "brk", "dead_stack", "discard", "private_file"] {
        for strategy in strategies() {
            let mut victim = Start::of(name, &[]).unwatched().with(strategy);
            answers_stay_the_same(&mut victim);
        }
    }
}

/// What looks the same, and is of an opening of the request's own, is found by its lock where the call is not seen.
#[test]
fn a_lock_that_a_mapping_keeps_costs_the_process() {
    for words in [&[][..], &["private"]] {
        let start = || Start::of("mapping_keeps_lock", words);
        for strategy in strategies() {
            for start in [start(), start().unwatched()] {
                let mut victim = start.with(strategy);
                victim.snapshot();
                victim.tracee.verify().unwrap_or_else(|error| panic!("{}: {error}", victim.label()));
                victim.restore();
                victim.ask(1);
                assert!(victim.tracee.verify().is_err(), "{}", victim.label());
                expect_refusal(&victim, Reason::Layout);
            }
        }
    }
}

/// Of an opening of its own it is from the snapshot on, unless that would show.
#[test]
fn a_file_that_is_mapped_twice() {
    reverts("program_doubled", &[]);
    is_refused("program_doubled", &["touching"], Reason::Layout);
}

/// Whoever can read the machine's libraries can lock them.
#[test]
fn a_lock_that_somebody_else_takes_costs_nothing_where_mappings_are_followed() {
    let follows = |strategy: &Strategy| matches!(strategy, Strategy::Hot | Strategy::Classic);
    for strategy in strategies().into_iter().filter(follows) {
        let start = || Start::of("program_locked", &[]);
        for start in [start(), start().unwatched()] {
            let mut victim = start.with(strategy);
            victim.snapshot();
            let program = std::fs::File::open(format!("/proc/{}/exe", victim.tracee.pid()));
            let program = program.expect("anybody may read it");
            program.lock_shared().expect("and lock it");
            victim.tracee.verify().unwrap_or_else(|error| panic!("{}: {error}", victim.label()));
            let first = victim.ask(1);
            victim.restore();
            assert_eq!(victim.ask(2), first, "{}", victim.label());
            victim.restore();
        }
    }
}

/// Every mapping of the process is known, the ones that come after `[vvar]` in the list among them.
#[test]
fn no_mapping_is_overlooked() {
    for_each_strategy("count", &[], |victim| {
        let info = victim.snapshot();
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", victim.tracee.pid()));
        let maps = maps.expect("the maps of our own child");
        assert!(maps.contains("[vvar]") && maps.contains("[vdso]") && maps.contains("[stack]"), "{maps}");
        assert_eq!(info.mappings, maps.lines().count(), "{maps}");
    });
}

#[test]
fn what_a_mapping_is_beyond_its_place_and_protection() {
    for kind in ["advice", "huge", "replaced", "moved", "lost", "beside"] {
        reverts("mapping_flags", &[kind]);
        for strategy in strategies() {
            let mut victim = Start::of("mapping_flags", &[kind]).unwatched().with(strategy);
            answers_stay_the_same(&mut victim);
        }
    }
}

/// What the process has set for all that it maps may be younger than a mapping of the snapshot.
#[test]
fn memory_that_would_be_locked_is_not_mapped_anew() {
    for strategy in strategies() {
        let mut victim = Start::of("mapping_flags", &["later"]).with(strategy);
        victim.snapshot();
        victim.ask(1);
        expect_refusal(&victim, Reason::MappingFlags);
    }
}

/// Only what was written is put back then.
#[test]
fn advice_on_memory_of_its_own() {
    reverts_few_pages("advised");
}
