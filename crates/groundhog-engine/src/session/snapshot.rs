//! Taking the snapshot of a stopped process.

use crate::descriptors::Descriptors;
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::files::Files;
use crate::files::pinned_files::Held;
use crate::files::writable::WritableFiles;
use crate::kernel_state::KernelState;
use crate::kernel_state::attributes::Attributes;
use crate::kernel_state::signals::Actions;
use crate::memory::Memory;
use crate::memory::repair::{self, Layout};
use crate::memory::shared::SharedMemory;
use crate::memory::tracking::{self, Tracker};
use crate::memory::vma::{self, Area, Kind};
use crate::report::{Phases, SnapshotInfo, Stopwatch};
use crate::strategy::Strategy;
use crate::syscalls::filter;
use crate::syscalls::watch::{self, Seen};
use crate::trace::inspect;
use crate::trace::process::Process;
use crate::trace::registers::{self, ThreadState};
use crate::trace::remote_syscall::{self, Anchor, Remote};
use groundhog_proc::maps::Name;
use groundhog_sys::Tid;
use groundhog_sys::jail::ActingAs;
use std::time::Duration;

/// How often, and after which pauses, a process is stopped until it is quiet.
const QUIET_ATTEMPTS: u32 = 400;
const QUIET_PAUSE: Duration = Duration::from_micros(500);

/// Everything that is known of the clean state.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) anchor: Anchor,
    pub(crate) areas: Vec<Area>,
    pub(crate) layout: Layout,
    pub(crate) memory: Memory,
    pub(crate) shared: SharedMemory,
    pub(crate) descriptors: Descriptors,
    pub(crate) actions: Actions,
    pub(crate) attributes: Attributes,
    pub(crate) files: Files,
    pub(crate) held: Held,
    pub(crate) writable: WritableFiles,
    pub(crate) kernel_state: KernelState,
    pub(crate) threads: Vec<ThreadState>,
    pub(crate) tracker: Box<dyn Tracker>,
}

/// Takes it. Nothing of the process is changed but what tracking needs.
pub(crate) fn take(process: &mut Process, strategy: Strategy) -> Step<(Snapshot, SnapshotInfo)> {
    let mut watch = Stopwatch::start();
    let mut phases = Phases::new();
    stop_when_quiet(process)?;
    if process.execed() {
        // A script's interpreter, or a program that a wrapper ends in.
        process.reopen_files().or_trouble(Reason::Inspection, "opening its files under /proc")?;
    }
    watch.lap(&mut phases, "stop");
    refuse_unquiet(process)?;
    refuse_filters(process)?;
    let areas = vma::survey(process)?;
    let anchor = remote_syscall::find_anchor(process, vdso(&areas)?)?;
    let descriptors = Descriptors::save(process)?;
    let (tracker, brk, actions) = {
        let mut remote = Remote::enter(process, anchor)?;
        (
            tracking::tracker(strategy, &mut remote)?,
            repair::current_brk(&mut remote)?,
            Actions::save(&mut remote)?,
        )
    };
    let sockets = if process.keep_connections { Vec::new() } else { descriptors.watched_sockets() };
    process.watch.originals = descriptors.originals();
    let kernel_state = KernelState::save(process, anchor)?;
    install_watch(process, anchor, &descriptors.numbers(), &sockets)?;
    let attributes = Attributes::save(process, anchor)?;
    let writable = WritableFiles::save(descriptors.writable(), !process.private.is_empty())?;
    let files = save_files(process, &descriptors, &areas);
    let held = {
        let _user = process.ids.map(ActingAs::new);
        Held::save(process, &descriptors, &areas)?
    };
    let mut taken = Taking { process, areas, tracker };
    watch.lap(&mut phases, "inspect");
    let (memory, shared) = taken.contents()?;
    watch.lap(&mut phases, "copy");
    taken.tracker.begin(taken.process, &mut taken.areas)?;
    let layout = Layout::save(taken.process, brk)?;
    watch.lap(&mut phases, "protect");
    let threads = registers::save(taken.process)?;
    // What runs on from here is what every restore will give.
    registers::restore(&threads)?;
    let mappings = taken.areas.iter().map(|area| (area.mapping.start, area.mapping.end));
    taken.process.watch.mappings = mappings.collect();
    taken.process.mark_snapshot();
    watch.lap(&mut phases, "registers");
    let info = SnapshotInfo {
        strategy,
        mappings: taken.areas.len(),
        pages: memory.pages(),
        pages_saved: memory.saved_pages(),
        bytes: memory.saved_pages() * groundhog_sys::PAGE_SIZE + shared.bytes(),
        threads: threads.len(),
        duration: watch.total(),
        phases,
    };
    let Taking { areas, tracker, .. } = taken;
    let snapshot = Snapshot {
        anchor,
        areas,
        layout,
        memory,
        shared,
        descriptors,
        actions,
        attributes,
        files,
        held,
        writable,
        kernel_state,
        threads,
        tracker,
    };
    Ok((snapshot, info))
}

/// What there is in its private folders.
fn save_files(process: &Process, descriptors: &Descriptors, areas: &[Area]) -> Files {
    let mut held = descriptors.inodes();
    held.extend(areas.iter().map(|area| area.mapping.inode).filter(|inode| *inode != 0));
    Files::save(&process.private, &held)
}

struct Taking<'a> {
    process: &'a mut Process,
    areas: Vec<Area>,
    tracker: Box<dyn Tracker>,
}

impl Taking<'_> {
    fn contents(&mut self) -> Step<(Memory, SharedMemory)> {
        let memory = Memory::save(self.process, &mut *self.tracker, &mut self.areas)?;
        Ok((memory, SharedMemory::save(self.process, &self.areas)?))
    }
}

/// Stops the process when all its threads wait inside a system call, or after a while wherever they are.
///
/// A process that was stopped on its way from an answer to the next read would, after every restore, go that way again.
/// The kernel has no event for "has gone to sleep", so this tries again after a pause.
fn stop_when_quiet(process: &mut Process) -> Step<()> {
    for attempt in 0..QUIET_ATTEMPTS {
        process.stop(false)?;
        if attempt + 1 == QUIET_ATTEMPTS || registers::all_wait(process)? {
            break;
        }
        registers::undisturb(process)?;
        process.resume()?;
        std::thread::sleep(QUIET_PAUSE);
    }
    Ok(())
}

/// A filter of the process's own could hide calls from ours, and refuse those that we make inside it.
fn refuse_filters(process: &Process) -> Step<()> {
    let watch = &process.watch;
    if process.spawned && !watch.sees_state && filters_of(process.pid)? != watch.filters_at_start {
        let message =
            "it has installed a seccomp filter of its own, which could hide what requests do".into();
        return Err(Trouble::Refused(Reason::Filter, message));
    }
    Ok(())
}

/// Has the kernel tell of calls that change the layout, or what cannot be put back.
///
/// A process that we did not start cannot have that: its restores look for themselves, at the layout and at what cannot be
/// put back.
fn install_watch(process: &mut Process, anchor: Anchor, descriptors: &[i32], sockets: &[i32]) -> Step<()> {
    let watch = &process.watch;
    let mut programs = Vec::new();
    if process.spawned && !watch.sees_state {
        // Where two of them see a call, the later one tells of it.
        programs.extend([
            filter::escape_watch(),
            filter::files_watch(),
            watch::program(descriptors, sockets),
        ]);
        programs.extend(watch.wanted.then(filter::layout_watch));
        programs.extend([filter::flags_watch(), filter::truncating_watch()]);
    } else if process.spawned
        && (descriptors.iter().any(|number| !watch.descriptors.contains(number))
            || sockets.iter().any(|number| !watch.sockets.contains(number)))
    {
        programs.push(watch::program(descriptors, sockets)); // a later snapshot, with others
    }
    if !programs.is_empty() {
        let mut remote = Remote::enter(process, anchor)?;
        for program in programs {
            let program = program.map_err(|error| Trouble::Refused(Reason::Filter, error.to_string()))?;
            if !remote.install_filter(&program)? {
                let message = "its calls cannot be watched: seccomp was refused".into();
                return Err(Trouble::Refused(Reason::Filter, message));
            }
        }
        drop(remote);
        process.watch.sees_state = true;
        process.watch.works = process.watch.wanted;
        process.watch.descriptors.extend(descriptors);
        process.watch.sockets.extend(sockets);
    }
    process.watch.seen = Seen::default();
    Ok(())
}

/// How many seccomp filters bind a process; 0 on kernels that do not tell (before Linux 5.9).
pub(crate) fn filters_of(pid: Tid) -> Step<u32> {
    Ok(inspect::status(pid, pid)?.seccomp_filters.unwrap_or(0))
}

/// A snapshot holds one process that waits; what else is there could not be put back.
fn refuse_unquiet(process: &Process) -> Step<()> {
    let refuse = |reason, message: String| Err(Trouble::Refused(reason, message));
    if let Some(signal) = process.group_stop() {
        return refuse(Reason::Stopped, format!("it was stopped by signal {signal}"));
    }
    match process.children() {
        0 => Ok(()),
        count => refuse(
            Reason::Children,
            format!(
                "it has {count} child processes; serve from one process, such as with one worker and no reloader"
            ),
        ),
    }
}

fn vdso(areas: &[Area]) -> Step<(u64, u64)> {
    let area = areas.iter().find(|area| area.kind == Kind::Vdso && area.mapping.name == Name::Vdso);
    area.map(|area| (area.mapping.start, area.mapping.end)).ok_or_else(|| {
        Trouble::Refused(Reason::RemoteCall, "it has no vDSO to make system calls from".into())
    })
}
