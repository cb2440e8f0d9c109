//! What cannot be reverted is refused, with its reason: pitfalls 12, 14 and 15, and what the kernel tells nobody.

use crate::harness::{
    Start, Stranger, Victim, expect_refusal, for_each_strategy, is_refused, is_refused_for_one_of,
    nothing_like_it_here, snapshot_is_refused, strategies,
};
use groundhog_engine::{Error, JailOptions, Means, Reason, capabilities};

/// Answers whether the victim has what it is to be refused for.
fn has_it(victim: &mut Victim) -> bool {
    let answer = victim.ask(1);
    if answer == "absent" {
        nothing_like_it_here(victim.label());
    }
    answer != "absent"
}

/// Whether a stranger has what it is to be refused for.
fn stranger_has_it(stranger: &mut Stranger, kind: &str) -> bool {
    let answer = stranger.ask(1);
    if answer == "absent\n" {
        nothing_like_it_here(kind);
    }
    answer != "absent\n"
}

/// Of processes that were attached to: those that we start can make only some of it.
#[test]
fn memory_written_unseen_is_refused_at_the_snapshot() {
    for kind in ["io_uring", "aio", "hugetlb", "userfaultfd"] {
        for strategy in strategies() {
            let mut stranger = Stranger::start("forbidden", &[kind, "before"]);
            if stranger_has_it(&mut stranger, kind) {
                match stranger.traced(strategy).snapshot() {
                    Err(Error::SnapshotRefused {
                        reason: Reason::DescriptorKind | Reason::MappingKind,
                        ..
                    }) => {}
                    other => panic!("{kind} ({strategy}): {other:?}"),
                }
                // Told, not harmed.
                assert_eq!(stranger.ask(2), "made\n", "{kind} ({strategy})");
            }
        }
    }
}

#[test]
fn memory_written_unseen_is_refused_at_the_restore() {
    for kind in ["io_uring", "aio", "userfaultfd"] {
        for strategy in strategies() {
            let mut stranger = Stranger::start("forbidden", &[kind, "during"]);
            let tracee = stranger.traced(strategy);
            tracee.snapshot().unwrap_or_else(|error| panic!("{kind} ({strategy}): {error}"));
            if stranger_has_it(&mut stranger, kind) {
                match tracee.restore(true) {
                    Err(Error::RestoreRefused {
                        reason: Reason::DescriptorKind | Reason::MappingKind | Reason::KernelState,
                        ..
                    }) => {}
                    other => panic!("{kind} ({strategy}): {other:?}"),
                }
            }
        }
    }
}

/// Until it is done, in minutes, nobody can end the process.
#[test]
fn what_the_kernel_would_do_for_long_without_a_break_is_refused() {
    for_each_strategy("asked_for_much", &[], |victim| {
        victim.snapshot();
        let told = "memory refused told, pages refused, looks refused told, messages refused told, sent refused told, \
                    questions refused told";
        assert_eq!(victim.ask(1), told, "{}", victim.label());
    });
}

#[test]
fn memory_that_faults_to_itself_is_refused() {
    for_each_strategy("forbidden", &["userfaultfd", "during"], |victim| {
        victim.snapshot();
        if has_it(victim) {
            match victim.tracee.restore(true) {
                Err(Error::RestoreRefused {
                    reason: Reason::DescriptorKind | Reason::MappingKind, ..
                }) => {}
                other => panic!("{}: {other:?}", victim.label()),
            }
        }
    });
    for kind in ["userfaultfd", "hugetlb"] {
        snapshot_is_refused("forbidden", &[kind, "before"], |reason| {
            matches!(reason, Reason::DescriptorKind | Reason::MappingKind)
        });
    }
}

#[test]
fn calls_that_lead_out_of_sight_fail_with_an_ordinary_error() {
    for_each_strategy("escapes", &[], |victim| {
        let expected = "untraced EPERM, descriptors EPERM, directory EPERM, handlers EPERM, sibling EPERM, \
                        awaited EPERM, clone3 ENOSYS, free EINVAL and ENOSYS, guard EINVAL, ring ENOSYS, queue ENOSYS, \
                        memory of others EPERM and EPERM, tracing EPERM, descriptors of others EPERM";
        assert_eq!(victim.ask(1), expected, "{}", victim.label());
        victim.snapshot();
        assert_eq!(victim.ask(2), expected, "{}", victim.label());
    });
}

/// Neither is known to the policy, so that both end whoever makes them; x32 only where the kernel would make it.
#[test]
fn calls_by_other_conventions_end_the_process() {
    for convention in ["32-bit", "x32"] {
        for_each_strategy("other_convention", &[convention], |victim| {
            assert_eq!(victim.ask(1), "ended", "{}", victim.label());
            victim.snapshot();
            assert_eq!(victim.ask(2), "ended", "{}", victim.label());
        });
    }
}

/// Those that we start cannot have any.
#[test]
fn guard_pages_that_changed_are_refused() {
    for kind in ["installed", "removed"] {
        for strategy in strategies() {
            let mut stranger = Stranger::start("guarded", &[kind]);
            let tracee = stranger.traced(strategy);
            tracee.snapshot().unwrap_or_else(|error| panic!("{kind} ({strategy}): {error}"));
            if stranger.ask(1) == "done\n" {
                match tracee.restore(true) {
                    Err(Error::RestoreRefused { reason: Reason::GuardPages, .. }) => {}
                    other => panic!("{kind} ({strategy}): {other:?}"),
                }
            } else {
                nothing_like_it_here(kind);
            }
        }
    }
}

#[test]
fn guard_pages_of_the_request_alone_go_with_their_memory() {
    for strategy in strategies() {
        let mut stranger = Stranger::start("guarded", &["elsewhere"]);
        let tracee = stranger.traced(strategy);
        tracee.snapshot().unwrap_or_else(|error| panic!("{strategy}: {error}"));
        for round in 1..5 {
            stranger.ask(round);
            tracee.restore(true).unwrap_or_else(|error| panic!("{strategy}: {error}"));
        }
    }
}

/// They cannot be read, as what lies behind the end of a file.
#[test]
fn guard_pages_in_shared_memory_are_no_end_of_it() {
    let mut stranger = Stranger::start("guarded", &["shared"]);
    let tracee = stranger.traced(strategies()[0]);
    match tracee.snapshot() {
        Err(Error::SnapshotRefused { reason: Reason::Memory, .. }) => {}
        Err(error) => panic!("{error}"),
        Ok(_) => {
            stranger.ask(1);
            tracee.restore(true).expect("it can be reverted");
            assert_eq!(stranger.ask(2), "untouched\n");
            nothing_like_it_here("guards in shared memory");
        }
    }
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
        snapshot_is_refused("filtered", &[kind], |reason| reason == Reason::Filter);
    }
    is_refused("filtered", &["during"], Reason::Filter);
}

/// Also in a jail without folders in which it may write, and in none.
#[test]
fn nobody_sets_anything_of_others() {
    let other = Stranger::start("sets_another", &["0"]);
    let pid = other.child.id().to_string();
    for means in [None, Some(Means::Namespace), Some(Means::Landlock)] {
        if let Some(refusal) = means.and_then(|means| capabilities().jail_refusal(means)) {
            nothing_like_it_here(&refusal);
            continue;
        }
        let jail = means.map(|means| JailOptions {
            means,
            private: vec![],
            most: (1 << 20, 100),
            own_network: false,
        });
        let arguments = [pid.as_str()];
        let start = Start::of("sets_another", &arguments);
        let start = if let Some(jail) = jail { start.jailed(jail) } else { start };
        let mut victim = start.with(strategies()[0]);
        victim.snapshot();
        assert_eq!(victim.ask(1), r#"{"sets":false}"#, "{means:?}");
        victim.restore();
    }
}

/// A process could have us read names without end: how long they are only depends on how deep folders are. Where reading is
/// slow, as in an emulated machine, the time is up first.
#[test]
fn a_list_of_mappings_is_not_read_at_any_length() {
    is_refused_for_one_of("long_names", &[], &[Reason::Inspection, Reason::Stopped]);
}
