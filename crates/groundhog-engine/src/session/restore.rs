//! Reverting a process to its snapshot, step by step.
//!
//! stop all -> detect -> end what is new -> drain our pipes -> descriptors -> layout -> memory -> registers -> resume

use crate::arch::call;
use crate::descriptors::Touch;
use crate::descriptors::connections::Moved;
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::kernel_state::signals;
use crate::kernel_state::{Kind, Touched};
use crate::memory;
use crate::memory::repair;
use crate::report::{RestoreReport, Stopwatch};
use crate::session::snapshot::Snapshot;
use crate::session::verify;
use crate::syscalls::watch::Seen;
use crate::trace::process::Process;
use crate::trace::registers;
use crate::trace::remote_syscall::Remote;
use groundhog_sys::jail::ActingAs;
use groundhog_sys::{Errno, fcntl};
use std::os::fd::OwnedFd;

/// Reverts the process. It is stopped afterwards; whoever called resumes it, or kills it after an error.
pub(crate) fn revert(
    process: &mut Process,
    snapshot: &mut Snapshot,
    drain: &[OwnedFd],
    and_verify: bool,
    watch: &mut Stopwatch,
) -> Step<RestoreReport> {
    let mut report = RestoreReport::new(snapshot.tracker.strategy());
    report.children_killed = process.stop(true)?;
    watch.lap(&mut report.phases, "stop");

    detect(process, snapshot)?;
    for tid in process.new_threads() {
        crate::trace::remote_syscall::check_anchor(process, snapshot.anchor)?;
        process.end_thread(tid, snapshot.anchor.instruction.0)?;
        report.threads_ended += 1;
    }
    watch.lap(&mut report.phases, "threads");

    let mut seen = std::mem::take(&mut process.watch.seen);
    if snapshot.kernel_state.disarms_stacks && seen.actions != 0 {
        seen.touched.note_delivery();
    }
    // In a jail, what is under /proc cannot be written.
    if !seen.touched.is_empty() || (seen.files && process.private.is_empty()) {
        seen.touched.note_files();
    }
    // Nothing that could write into them runs any more.
    for pipe in drain {
        report.bytes_drained += fcntl::drain(pipe).or_trouble(Reason::Inspection, "draining a pipe")?;
    }
    revert_kernel_state(process, snapshot, &seen, &mut report)?;
    watch.lap(&mut report.phases, "descriptors");

    find_changes(process, snapshot, &seen, &mut report, watch)?;
    let Snapshot { memory, threads, areas, tracker, anchor, .. } = snapshot;
    memory.revert(process, *anchor, threads, areas, &mut **tracker, &mut report, watch)?;
    let shared = snapshot.shared.revert(process)?;
    report.pages_dirty += shared;
    report.pages_copied += shared;
    if shared > 0 {
        watch.lap(&mut report.phases, "shared");
    }

    // What is mapped and shared has been put back by now; then what is open for writing.
    report.files_reverted = snapshot.writable.revert()?;
    let may_differ = !process.private.is_empty() && (seen.files || !process.watch.sees_state);
    if may_differ {
        let _user = process.ids.map(ActingAs::new);
        report.files_reverted += snapshot.files.revert(&process.private)?;
        report.files_reverted += snapshot.held.revert(process, &snapshot.descriptors)?;
    }
    if may_differ || !snapshot.writable.is_empty() {
        watch.lap(&mut report.phases, "files");
    }

    process.drop_signals(); // meant for the request
    registers::check_kernel_pointers(&snapshot.threads)?;
    registers::restore(&snapshot.threads)?;
    watch.lap(&mut report.phases, "registers");
    if and_verify {
        if let Some(difference) = verify::difference(process, snapshot)? {
            return Err(Trouble::Refused(Reason::Mismatch, difference));
        }
        report.verified = true;
        watch.lap(&mut report.phases, "verify");
    }
    Ok(report)
}

/// Puts back what the kernel keeps for the process, or refuses what cannot be.
fn revert_kernel_state(
    process: &mut Process,
    snapshot: &mut Snapshot,
    seen: &Seen,
    report: &mut RestoreReport,
) -> Step<()> {
    let anchor = snapshot.anchor;
    if !seen.touched.is_empty() {
        snapshot.kernel_state.revert(process, anchor, &seen.touched, report)?;
    }
    let had_children = process.take_had_children();
    if had_children {
        reap(process, snapshot)?;
    }
    // What is not seen is looked for.
    let unseen = !process.watch.sees_state;
    match if unseen { !0 } else { seen.actions } {
        0 => {}
        actions => snapshot.actions.revert(process, anchor, actions)?,
    }
    // Before what waits is looked at: one that went off is readable.
    let mut compared = snapshot.descriptors.locked_by_process();
    if seen.touched.has(Kind::TimerDescriptors) {
        compared.extend(snapshot.descriptors.revert_timers(report)?);
    }
    let numbers = if unseen { None } else { Some(&*seen.called) };
    let moved = Moved { numbers, shut: &seen.shut, keep: process.keep_connections };
    let touched = Touch { numbers: seen.descriptors || unseen, flags: seen.flags };
    snapshot.descriptors.revert(process, anchor, touched, moved, report)?;
    if !seen.duplicated.is_empty() {
        snapshot.descriptors.revert_epoll(process, anchor, &seen.duplicated)?;
        snapshot.descriptors.revert_settings(process, anchor, &seen.duplicated, report)?;
        snapshot.descriptors.check_settings(&seen.duplicated)?;
        compared.extend(&seen.duplicated);
    }
    snapshot.attributes.check_descriptors(process, &compared)?;
    if unseen && snapshot.attributes.check(process, anchor).is_err() {
        snapshot.kernel_state.revert(process, anchor, &Touched::all(), report)?;
        snapshot.attributes.check(process, anchor)?;
    }
    // Now: the end of a descriptor may send one.
    let closely = seen.signalled || had_children || unseen;
    if signals::any_pending(process, closely)? {
        report.signals_dropped = signals::drop_pending(process, anchor, closely)?;
    }
    Ok(())
}

/// Puts the layout back and finds out which memory has changed.
///
/// Usually the layout has not, and nobody looks. Only what the scan finds may say that it has.
fn find_changes(
    process: &mut Process,
    snapshot: &mut Snapshot,
    seen: &Seen,
    report: &mut RestoreReport,
    watch: &mut Stopwatch,
) -> Step<()> {
    let Snapshot { anchor, areas, layout, memory, tracker, .. } = snapshot;
    let tracker = &mut **tracker;
    report.layout_calls = seen.layout_calls;
    // `MADV_FREE` on a clean page shows nowhere at once, and the kernel takes the page away whenever it likes, unless it
    // is written. A process started by us may not use it.
    let mut everything = !process.spawned || seen.mapping_flags;
    let mut same_layout = process.watch.works && seen.layout_calls == 0 && tracker.sees_everywhere();
    let mut same_flags = same_layout;
    loop {
        if !same_layout {
            report.layout_changes += layout.revert(process, *anchor, areas)?;
            watch.lap(&mut report.phases, "layout");
        }
        let outside = memory.look(process, areas, tracker, same_layout, everything)?;
        watch.lap(&mut report.phases, "scan");
        match outside {
            None if same_flags => return Ok(()),
            None => {
                same_flags = true;
                if !(seen.mapping_flags || !process.watch.sees_state || tracker.may_be_replaced()) {
                    return Ok(());
                }
                let changed = repair::revert_flags(process, *anchor, areas)?;
                watch.lap(&mut report.phases, "layout");
                if changed == 0 {
                    return Ok(());
                }
                report.layout_changes += changed;
                everything = true; // the contents are lost
            }
            Some(_) if same_layout => {
                // A stack has grown.
                same_layout = false;
                same_flags = false;
            }
            Some(page) => return Err(memory::outside(page)),
        }
    }
}

/// Dead children wait to be reaped by the process: it does so, or the next request would see them.
fn reap(process: &mut Process, snapshot: &Snapshot) -> Step<()> {
    const WNOHANG: u64 = 1;
    const WALL: u64 = 0x4000_0000;
    const ECHILD: Errno = Errno(10);
    let any = u64::MAX;
    let mut remote = Remote::enter(process, snapshot.anchor)?;
    loop {
        match remote.call(call::WAIT4, [any, 0, WNOHANG | WALL, 0, 0, 0])? {
            Ok(0) => {
                return Err(Trouble::Refused(Reason::Children, "it has a child that is not dead".into()));
            }
            Ok(_) => {}
            Err(ECHILD) => return Ok(()),
            Err(errno) => return Err(Trouble::system(Reason::Children, "reaping its children", errno)),
        }
    }
}

/// What cannot be reverted with certainty.
fn detect(process: &Process, snapshot: &Snapshot) -> Step<()> {
    let refuse = |reason, message: String| Err(Trouble::Refused(reason, message));
    if process.execed() {
        return refuse(Reason::Exec, "it executed another program".into());
    }
    if process.snapshot_thread_ended() {
        return refuse(Reason::ThreadEnded, "a thread of the snapshot has ended".into());
    }
    if let Some(call) = process.watch.seen.state_call {
        return refuse(Reason::KernelState, format!("it called {call}, whose effect cannot be put back"));
    }
    if process.watch.escaped {
        return refuse(Reason::Filter, "it installed a seccomp filter of its own".into());
    }
    if let Some(signal) = process.group_stop() {
        return refuse(Reason::Stopped, format!("it was stopped by signal {signal}"));
    }
    debug_assert!(snapshot.threads.iter().all(|state| process.threads().any(|tid| tid == state.tid)));
    Ok(())
}
