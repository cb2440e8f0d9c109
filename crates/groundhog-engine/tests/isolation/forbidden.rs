//! What cannot be reverted is refused, with its reason: pitfalls 12, 14 and 15, and what the kernel tells nobody.

use crate::harness::{
    Victim, expect_refusal, for_each_strategy, is_refused, nothing_like_it_here, snapshot_is_refused,
};
use groundhog_engine::{Error, Reason};

/// Answers whether the victim has what it is to be refused for.
fn has_it(victim: &mut Victim) -> bool {
    let answer = victim.ask(1);
    if answer == "absent" {
        nothing_like_it_here(victim.label());
    }
    answer != "absent"
}

#[test]
fn memory_written_unseen_is_refused_at_the_snapshot() {
    for (kind, expected) in [
        ("io_uring", Reason::DescriptorKind),
        ("aio", Reason::MappingKind),
        ("hugetlb", Reason::MappingKind),
        ("userfaultfd", Reason::MappingKind),
    ] {
        for_each_strategy("forbidden", &[kind, "before"], |victim| {
            if has_it(victim) {
                match victim.tracee.snapshot() {
                    Err(Error::SnapshotRefused { reason, message, .. }) => {
                        let known = [expected, Reason::DescriptorKind, Reason::MappingKind].contains(&reason);
                        assert!(known, "{}: {reason:?}: {message}", victim.label());
                    }
                    other => panic!("{}: {other:?}", victim.label()),
                }
                // Told, not harmed.
                assert_eq!(victim.ask(2), "made", "{}", victim.label());
            }
        });
    }
}

#[test]
fn memory_written_unseen_is_refused_at_the_restore() {
    for kind in ["io_uring", "aio", "userfaultfd"] {
        for_each_strategy("forbidden", &[kind, "during"], |victim| {
            victim.snapshot();
            if has_it(victim) {
                match victim.tracee.restore(true) {
                    Err(Error::RestoreRefused {
                        reason: Reason::DescriptorKind | Reason::MappingKind,
                        ..
                    }) => {}
                    other => panic!("{}: {other:?}", victim.label()),
                }
            }
        });
    }
}

#[test]
fn calls_that_lead_out_of_sight_fail_with_an_ordinary_error() {
    for_each_strategy("escapes", &[], |victim| {
        let expected = "untraced EPERM, descriptors EPERM, directory EPERM, handlers EPERM, sibling EPERM, \
                        clone3 ENOSYS, free EINVAL and EINVAL";
        assert_eq!(victim.ask(1), expected, "{}", victim.label());
        victim.snapshot();
        assert_eq!(victim.ask(2), expected, "{}", victim.label());
    });
}

#[test]
fn guard_pages_that_changed_are_refused() {
    for kind in ["installed", "removed"] {
        for_each_strategy("guarded", &[kind], |victim| {
            victim.snapshot();
            if victim.ask(1) == "done" {
                expect_refusal(victim, Reason::GuardPages);
            } else {
                nothing_like_it_here(victim.label());
                victim.restore();
            }
        });
    }
}

#[test]
fn guard_pages_of_the_request_alone_go_with_their_memory() {
    for_each_strategy("guarded", &["elsewhere"], |victim| {
        victim.snapshot();
        for round in 1..5 {
            victim.ask(round);
            victim.restore();
        }
    });
}

#[test]
fn a_changed_vdso_is_refused() {
    is_refused("patched", &["vdso"], Reason::Memory);
}

#[test]
fn sealed_memory_is_refused() {
    for_each_strategy("sealed", &[], |victim| {
        victim.snapshot();
        if has_it(victim) {
            expect_refusal(victim, Reason::RemoteCall);
        } else {
            victim.restore();
        }
    });
}

/// A filter of its own could hide calls from ours, and binds those that we make inside it.
#[test]
fn filters_of_its_own_are_refused() {
    for kind in ["refuses_brk", "dies_of_brk", "refuses_munmap"] {
        snapshot_is_refused("filtered", &[kind], Reason::Filter);
    }
    is_refused("filtered", &["during"], Reason::Filter);
}
