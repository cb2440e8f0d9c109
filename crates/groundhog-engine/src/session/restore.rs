//! Reverting a process to its snapshot: stop all, refuse what is certain to be lost, revert each component in order.

use super::Session;
use crate::component::{Restore, Stopped};
use crate::descriptors::anonymous_inode;
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::report::{RestoreReport, Stopwatch};
use crate::syscalls::observed::Observed;
use crate::trace::process::Process;
use crate::trace::registers;
use groundhog_sys::fcntl;

impl Session {
    /// Reverts the process. It is stopped afterwards; whoever called resumes it, or kills it after an error.
    pub(super) fn revert(&mut self, and_verify: bool, watch: &mut Stopwatch) -> Step<RestoreReport> {
        let Self { process, snapshot, sight, drain, private, placement, .. } = self;
        let Some(snapshot) = snapshot else { return Err(Trouble::Exited) };
        let mut report = RestoreReport::new(snapshot.memory.tracker.strategy());
        report.children_killed = process.stop(true)?;
        placement.follow();
        watch.lap(&mut report.phases, "stop");

        let mut observed = {
            let mut watch = self.watch.borrow_mut();
            // Whatever call was interrupted, the next request does not go on with it.
            watch.facts.interrupted.clear();
            std::mem::take(&mut watch.observed)
        };
        report.stops = std::mem::take(&mut observed.stops);
        refuse_lost(process, &observed)?;
        // The kernel follows them whenever a thread goes on.
        registers::check_sequences(&snapshot.registers.states)?;
        observed.signalled_as_a_whole |= process.take_signal_elsewhere();
        if snapshot.disarms_stacks && observed.actions != 0 {
            observed.touched.note_delivery();
        }
        // In a jail, what is under /proc cannot be written.
        if !observed.touched.is_empty() || (observed.files && private.is_empty()) {
            observed.touched.note_files();
        }
        anonymous_inode::put_back()?;
        // Nothing that could write into them runs any more.
        report.bytes_drained += fcntl::drain_pipes(drain).or_trouble(Reason::Inspection, "draining pipes")?;
        let had_children = process.take_had_children();
        let held = process.held();
        let mut restore = Restore {
            stopped: Stopped { process, anchor: snapshot.anchor },
            observed: &observed,
            sees_calls: sight.calls,
            sees_frequent: sight.frequent,
            had_children,
            replaced: true,
            held: &held,
            report: &mut report,
            watch,
        };
        for component in snapshot.components() {
            component.revert(&mut restore)?;
        }
        placement.note(report.pages_dirty);
        if and_verify {
            if let Some(difference) = snapshot.difference(&mut self.process)? {
                return Err(Trouble::Refused(Reason::Mismatch, difference));
            }
            report.verified = true;
            watch.lap(&mut report.phases, "verify");
        }
        Ok(report)
    }
}

/// What cannot be reverted with certainty.
fn refuse_lost(process: &Process, observed: &Observed) -> Step<()> {
    let refuse = |reason, message: String| Err(Trouble::Refused(reason, message));
    if process.execed() {
        return refuse(Reason::Exec, "it executed another program".into());
    }
    if process.snapshot_thread_ended() {
        return refuse(Reason::ThreadEnded, "a thread of the snapshot has ended".into());
    }
    if let Some(call) = &observed.retires {
        return refuse(Reason::KernelState, format!("it called {call}, whose effect cannot be put back"));
    }
    if observed.escaped {
        return refuse(Reason::Filter, "it installed a seccomp filter of its own".into());
    }
    if let Some(signal) = process.group_stop() {
        return refuse(Reason::Stopped, format!("it was stopped by signal {signal}"));
    }
    Ok(())
}
