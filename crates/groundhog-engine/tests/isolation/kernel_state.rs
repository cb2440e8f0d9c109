//! What the kernel keeps of a process beside memory and descriptors.

use crate::harness::{
    answers_stay_the_same, for_each_strategy, is_refused, nothing_like_it_here, reverts, strategies,
    wait_until,
};
use groundhog_engine::{Error, Reason};
use std::path::{Path, PathBuf};

#[test]
fn attributes_are_put_back() {
    let names = [
        "attribute_umask",
        "attribute_cwd",
        "attribute_cwd_renamed",
        "attribute_limits",
        "attribute_affinity",
        "attribute_policy",
        "attribute_name",
        "attribute_prctl",
        "attribute_dumpable",
        "attribute_locked",
        "attribute_locked_future",
        "attribute_written",
        "attribute_of_thread",
    ];
    for name in names {
        reverts(name, &[]);
    }
}

#[test]
fn what_was_put_back_is_counted() {
    for (name, expected) in [("count", 0), ("attribute_umask", 1), ("attribute_policy", 1)] {
        for_each_strategy(name, &[], |victim| {
            let reports = answers_stay_the_same(victim);
            assert!(reports.iter().all(|report| report.attributes_reverted == expected), "{reports:?}");
        });
    }
}

#[test]
fn timers_are_put_back() {
    for name in ["timers", "timers_armed", "timer_descriptor"] {
        reverts(name, &[]);
    }
}

/// The number of the next one can be set from Linux 6.16 on.
#[test]
fn the_number_of_the_next_timer_is_put_back_or_refused() {
    for strategy in strategies() {
        let mut victim = crate::harness::Start::of("timers_posix", &[]).with(strategy);
        victim.snapshot();
        let first = victim.ask(1);
        for round in 2..6 {
            match victim.try_restore() {
                Ok(_) => assert_eq!(victim.ask(round), first, "{strategy}"),
                Err(Error::RestoreRefused { reason: Reason::KernelState, message, .. })
                    if message.contains("cannot be put back by this kernel") =>
                {
                    nothing_like_it_here(&message);
                    break;
                }
                Err(other) => panic!("{strategy}: {other}"),
            }
        }
    }
}

#[test]
fn an_alternate_stack_set_without_its_call_is_put_back() {
    reverts("signal_stack_by_return", &[]);
}

/// What takes a privilege to be put back.
#[test]
fn a_priority_or_a_hard_limit_is_put_back_with_privileges_alone() {
    const SYS_NICE: u64 = 1 << 23;
    const SYS_RESOURCE: u64 = 1 << 24;
    let status = std::fs::read("/proc/self/status").expect("/proc");
    let ours = groundhog_proc::status::parse(&status).expect("the kernel's own text parses").caps.effective;
    for (name, capability) in [("attribute_nice", SYS_NICE), ("attribute_limit_hard", SYS_RESOURCE)] {
        if ours & capability != 0 {
            reverts(name, &[]);
        } else {
            is_refused(name, &[], Reason::KernelState);
        }
    }
}

#[test]
fn what_stays_is_refused() {
    for kind in ["session", "hardened"] {
        is_refused("stays", &[kind], Reason::KernelState);
    }
}

/// A group of control groups, of the newer kind or the older one, where this user may make one.
struct ControlGroup(PathBuf);

impl ControlGroup {
    fn make() -> Option<Self> {
        let name = format!("groundhog-test-{}", std::process::id());
        let places = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
        let places = places.iter().map(Path::new).filter(|place| place.join("cgroup.procs").exists());
        let mut groups = places.map(|place| place.join(&name));
        groups.find(|group| std::fs::create_dir(group).is_ok()).map(Self)
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        // Those in it are dead, and on their way out.
        wait_until("an empty group", || std::fs::remove_dir(&self.0).is_ok());
    }
}

#[test]
fn control_groups_that_a_request_chose_are_refused() {
    let Some(group) = ControlGroup::make() else {
        nothing_like_it_here("nobody may make a control group");
        return;
    };
    let folder = group.0.to_str().expect("plain letters");
    for kind in ["own", "of_thread"] {
        for_each_strategy("control_groups", &[kind, folder], |victim| {
            victim.snapshot();
            match (victim.ask(1).as_str(), victim.tracee.restore(false)) {
                ("moved", Err(Error::RestoreRefused { reason: Reason::KernelState, .. })) => {}
                ("absent", Ok(_)) => nothing_like_it_here(kind),
                other => panic!("{}: {other:?}", victim.label()),
            }
        });
    }
}
