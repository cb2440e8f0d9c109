//! Taking the snapshot of a stopped process: its components, in the order in which they are put back.

use super::capabilities::capabilities;
use super::threads::{self, Registers, Threads, cleared_at_end, save_registers};
use super::{Session, UsedConnections, listeners};
use crate::arch::call;
use crate::component::{Component, Stopped};
use crate::descriptors::connections::OwnEnds;
use crate::descriptors::epoll::EpollSets;
use crate::descriptors::half_read::HalfRead;
use crate::descriptors::open_file::OpenFileStates;
use crate::descriptors::pending_data::PendingData;
use crate::descriptors::socket_options::SocketOptions;
use crate::descriptors::survey::Survey;
use crate::descriptors::table::DescriptorTable;
use crate::descriptors::times::Times;
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::files::pinned_files::InUse;
use crate::files::writable::WritableFiles;
use crate::files::{Private, PrivateFiles};
use crate::kernel_state::attributes::Attributes;
use crate::kernel_state::signals::{Actions, PendingSignals};
use crate::kernel_state::{ArmedTimers, KernelState, OfHeld};
use crate::memory::address_space::{self, AddressSpace, Surveyed};
use crate::memory::makers::Unlocked;
use crate::memory::partly_mapped;
use crate::memory::vma::{self, Area, AreaKind};
use crate::report::{Phases, SnapshotInfo, Stopwatch};
use crate::syscalls::observed::Observed;
use crate::syscalls::programs::{self, Numbers};
use crate::trace::process::Process;
use crate::trace::remote_syscall::{self, Anchor, SCRATCH_SIZE};
use crate::trace::{inspect, registers};
use groundhog_proc::maps::{Mapping, Name};
use groundhog_sys::fcntl::FileType;
use groundhog_sys::{Errno, PAGE_SIZE, Tid, ptrace};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long, and after which pauses, a process is stopped again until it is quiet.
const QUIET_WITHIN: Duration = Duration::from_millis(500);
/// How long where a thread has not begun yet.
const BEGUN_WITHIN: Duration = Duration::from_secs(5);
/// How long it is left alone between two looks: longer and longer, since on a loaded machine it needs a while to get anywhere.
const QUIET_PAUSE: Duration = Duration::from_micros(500);
const MAX_QUIET_PAUSE: Duration = Duration::from_millis(20);

/// How many child processes a message names.
const MAX_NAMED: usize = 3;

/// Everything that is known of the clean state.
pub(crate) struct Snapshot {
    pub(crate) anchor: Anchor,
    /// A thread has an alternate stack that the kernel takes away while a handler runs.
    pub(crate) disarms_stacks: bool,
    threads: Threads,
    kernel_state: Rc<KernelState>,
    actions: Actions,
    table: DescriptorTable,
    pub(crate) memory: AddressSpace,
    of_held: OfHeld,
    writable: WritableFiles,
    files: PrivateFiles,
    attributes: Attributes,
    open_files: OpenFileStates,
    unlocked: Unlocked,
    socket_options: SocketOptions,
    pipes: PendingData,
    times: Times,
    pending: PendingData,
    epoll: EpollSets,
    timers: ArmedTimers,
    signals: PendingSignals,
    pub(super) registers: Registers,
    half_read: HalfRead,
}

impl Snapshot {
    /// In the order in which they are put back.
    ///
    /// Threads and children go first, limits and descriptors before what needs some. Shared memory is put back with the
    /// address space, before the files that it may show; with that, threads that were held at their ends can make calls
    /// again. Whatever makes events (closing, writing, removing) stands before what drains them: files, what waits in
    /// pipes, and then when those were read, before what else waits; that before what sets have ready, and timers, which
    /// count down meanwhile; all before signals.
    /// Registers come last of what calls inside the process put back; what the kernel tells of the process, after them.
    pub(crate) fn components(&mut self) -> [&mut dyn Component; 20] {
        [
            &mut self.threads,
            &mut self.kernel_state,
            &mut self.actions,
            &mut self.table,
            &mut self.memory,
            &mut self.of_held,
            &mut self.writable,
            &mut self.files,
            &mut self.attributes,
            &mut self.open_files,
            &mut self.unlocked,
            &mut self.socket_options,
            &mut self.pipes,
            &mut self.times,
            &mut self.pending,
            &mut self.epoll,
            &mut self.timers,
            &mut self.signals,
            &mut self.registers,
            &mut self.half_read,
        ]
    }

    /// The first difference, or none, whatever has happened since the last restore.
    pub(crate) fn difference_since(&mut self, process: &mut Process) -> Step<Option<String>> {
        let replaced = self.memory.find_replaced(process)?;
        self.unlocked.doubt(replaced);
        self.difference(process)
    }

    /// The first difference of a stopped process that was just restored, or none.
    pub(crate) fn difference(&mut self, process: &mut Process) -> Step<Option<String>> {
        // Calls inside the process let the processor find out anew what is in use, and other components make some to look.
        if let Some(what) = registers::difference_in_use(&self.registers.states)? {
            return Ok(Some(what));
        }
        let mut stopped = Stopped { process, anchor: self.anchor };
        for component in self.components() {
            if let Some(what) = component.difference(&mut stopped)? {
                return Ok(Some(what));
            }
        }
        Ok(None)
    }
}

impl Session {
    /// Takes it. Nothing of the process is changed but what tracking needs.
    pub(super) fn snapshot(&mut self) -> Step<(Snapshot, SnapshotInfo)> {
        let mut watch = Stopwatch::start();
        let mut phases = Phases::new();
        stop_when_quiet(&mut self.process)?;
        if self.process.execed() {
            // A script's interpreter, or a program that a wrapper ends in.
            self.process.reopen_files().or_trouble(Reason::Inspection, "opening its files under /proc")?;
        }
        watch.lap(&mut phases, "stop");
        refuse_unquiet(&self.process)?;
        self.refuse_filters()?;

        let mut areas = vma::survey(&self.process)?;
        // What is opened for writing in an overlay is another file, which the restore puts back.
        let needs_calls =
            address_space::note_unlisted(&self.process, &mut areas, self.strategy, |mapping| {
                is_among(mapping, self.private.iter().filter(|folder| folder.is_alone()))
            })?;
        let hole = vma::hole(&areas, SCRATCH_SIZE)?;
        let anchor = remote_syscall::find_anchor(&self.process, vma::vdso(&areas)?, hole)?;
        refuse_dead_children(&mut Stopped { process: &mut self.process, anchor })?;
        let survey = Survey::of(&self.process)?;
        self.refuse_unguarded(&survey)?;
        let used = in_use(&survey, &areas);
        // Before what waits is taken out and put back, which sets tell of.
        let mut epoll = EpollSets::save(&mut Stopped { process: &mut self.process, anchor }, &survey)?;
        let mut pending = self.save_pending(&survey)?;
        self.install_programs(anchor, &numbers(&survey, &pending), needs_calls)?;
        let pipes = pending.split_off_pipes();
        let mut stopped = Stopped { process: &mut self.process, anchor };
        partly_mapped::refuse(&mut stopped, &areas, |mapping| {
            is_private(mapping, &self.private) && used.kept_size(mapping).is_none()
        })?;
        let surveyed = Surveyed::new(&mut stopped, areas, self.strategy, capabilities().has_huge_pages())?;
        let actions = Actions::save(&mut stopped.remote()?)?;
        let kernel_state = Rc::new(KernelState::save(stopped.process, anchor)?);
        let table = DescriptorTable::save(stopped.process, &survey, self.sight.frequent)?;
        let attributes = Attributes::save(stopped.process)?;
        watch.lap(&mut phases, "inspect");

        let rseq = registers::rseq_areas(stopped.process);
        let kept = |mapping: &Mapping| {
            if is_private(mapping, &self.private) { used.kept_size(mapping) } else { None }
        };
        let memory = surveyed.save(&mut stopped, rseq, kept, |phase| watch.lap(&mut phases, phase))?;
        // Reading memory that is shared fills the holes in the files behind it: after that they are as they stay.
        let writable = WritableFiles::save(&used, !self.private.is_empty())?;
        let files = PrivateFiles::save(
            stopped.process,
            Rc::clone(&self.private),
            self.terms.ids,
            &used,
            &survey.inodes(),
        )?;
        watch.lap(&mut phases, "files");
        let (open_files, times) = OpenFileStates::save(&survey)?;
        let socket_options = SocketOptions::save(&survey)?;
        // What the snapshot itself did, such as setting times, is no request's to read.
        pending.drop_events()?;
        epoll.order(&mut stopped)?;
        epoll.settle(&mut stopped)?;
        let signals = PendingSignals::save(stopped.process, &actions)?;
        threads::settle(&mut stopped)?;
        settle_key_of_code(&mut stopped)?;
        let cleared_at_end = cleared_at_end(&mut stopped)?;
        let are_signals_due = kernel_state.has_timers_armed() || survey.tells_by_signals();
        let threads = save_registers(&mut stopped)?;
        // What runs on from here is what every restore will give.
        registers::restore(&threads)?;
        let half_read = HalfRead::save(&survey)?;
        self.tell_facts(&survey, &memory);
        self.process.mark_snapshot(cleared_at_end);
        watch.lap(&mut phases, "registers");
        let info = SnapshotInfo {
            strategy: self.strategy,
            mappings: memory.areas.len(),
            pages: memory.memory.pages(),
            pages_saved: memory.memory.saved_pages(),
            bytes: memory.memory.saved_pages() * groundhog_sys::PAGE_SIZE + memory.shared.bytes(),
            threads: threads.len(),
            duration: watch.total(),
            phases,
        };
        let snapshot = Snapshot {
            anchor,
            disarms_stacks: kernel_state.disarms_stacks,
            threads: Threads(threads.iter().map(|state| state.tid).collect()),
            of_held: kernel_state.of_held(),
            timers: kernel_state.armed_timers(),
            kernel_state,
            actions,
            table,
            unlocked: Unlocked::of(&memory.areas, self.strategy),
            memory,
            writable,
            files,
            attributes,
            open_files,
            socket_options,
            pipes,
            times,
            pending,
            epoll,
            signals,
            registers: Registers { states: threads, are_signals_due },
            half_read,
        };
        Ok((snapshot, info))
    }

    /// What waits in its descriptors.
    fn save_pending(&self, survey: &Survey) -> Step<PendingData> {
        let connections = self.terms.connections;
        let own_ends = if connections == UsedConnections::AllShut {
            OwnEnds::default()
        } else {
            OwnEnds::of(&survey.own_numbers, self.sock_diag.is_none(), &survey.sockets_of_its_own())?
        };
        let own_ends = match connections {
            UsedConnections::ShutButAt(port) => own_ends.at(port),
            _ => own_ends,
        };
        let tells_peers = capabilities().tells_unix_peers();
        let keeps = connections == UsedConnections::Kept;
        PendingData::save(survey, &self.process, self.sock_diag.as_ref(), tells_peers, &own_ends, keeps)
    }

    /// Whoever is not to be let in could reach what a request leaves, where it listens.
    fn refuse_unguarded(&self, survey: &Survey) -> Step<()> {
        let watch = self.watch.borrow();
        let mut sockets = survey.files.iter().filter(|file| file.kind == FileType::Socket);
        if watch.admitted.is_empty() {
            return Ok(());
        }
        sockets.try_for_each(|file| listeners::check(file.number, &file.duplicate, &watch.admitted))
    }

    /// A filter of the process's own could hide calls from ours, and refuse those that we make inside it.
    fn refuse_filters(&self) -> Step<()> {
        let expected = self.terms.filters_at_start + self.sight.programs;
        let has_others = filters_of(&self.process)?.is_some_and(|found| found != expected);
        // One of a single thread shows in a call only, which is seen from the first snapshot on; before, ours cannot be installed.
        if self.process.spawned && (has_others || self.watch.borrow().observed.escaped) {
            let message = "it has installed a seccomp filter of its own, which could hide what requests do";
            return Err(Trouble::Refused(Reason::Filter, message.into()));
        }
        Ok(())
    }

    /// Installs the programs of the policy.
    ///
    /// A process that we did not start cannot have them: its restores look for themselves. `needs_frequent`: frequent calls are to
    /// be seen whatever was asked for.
    fn install_programs(&mut self, anchor: Anchor, numbers: &Numbers, needs_frequent: bool) -> Step<()> {
        let frequent = self.sight.frequent || self.terms.watches_frequent || needs_frequent;
        let sees_enough = self.sight.calls && self.sight.frequent == frequent;
        if !self.process.spawned || (sees_enough && self.sight.numbers.cover(numbers)) {
            return Ok(());
        }
        let programs = if sees_enough {
            programs::for_more_descriptors(numbers, frequent)
        } else {
            programs::from_the_snapshot(numbers, frequent)
        };
        let programs = programs.map_err(|error| Trouble::Refused(Reason::Filter, error.to_string()))?;
        let mut stopped = Stopped { process: &mut self.process, anchor };
        let mut remote = stopped.remote()?;
        for program in programs {
            if !remote.install_filter(&program)? {
                let message = "its calls cannot be watched: seccomp was refused".into();
                return Err(Trouble::Refused(Reason::Filter, message));
            }
            self.sight.programs += 1;
        }
        drop(remote);
        self.sight.calls = true;
        self.sight.frequent = frequent;
        self.sight.numbers.extend(numbers);
        Ok(())
    }

    /// Tells what judging calls needs to know.
    fn tell_facts(&self, survey: &Survey, memory: &AddressSpace) {
        let mut watch = self.watch.borrow_mut();
        let original =
            |file: &crate::descriptors::survey::OpenFile| (file.number, Arc::clone(&file.duplicate));
        watch.facts.originals = survey.files.iter().map(original).collect();
        watch.facts.mappings = memory.mappings();
        watch.facts.unfollowed = memory.replaced_unnoticed();
        watch.facts.brk = memory.brk();
        watch.facts.has_terminal = survey.has_terminal();
        watch.facts.shares_port = survey.shares_port();
        watch.facts.has_nameless_file = survey.has_nameless_file();
        watch.facts.interrupted.clear();
        watch.observed = Observed::default();
    }
}

/// Descriptors as the programs know them.
fn numbers(survey: &Survey, pending: &PendingData) -> Numbers {
    let sockets = survey.files.iter().filter(|file| file.kind == FileType::Socket);
    Numbers {
        all: survey.files.iter().map(|file| file.number).collect(),
        sockets: sockets.map(|file| file.number).collect(),
        watched: pending.watched_sockets(),
    }
}

/// Files that the process has open or mapped.
fn in_use(survey: &Survey, areas: &[Area]) -> InUse {
    let mapped = areas.iter().filter(|area| area.mapping.inode != 0);
    let path = |area: &Area| match &area.mapping.name {
        Name::Path { path, .. } => Some(inspect::path_of(path)),
        _ => None,
    };
    let is_shared = |area: &&Area| area.kind == AreaKind::Shared && area.flags.has(b"mw");
    InUse {
        written_in_memory: areas.iter().filter(is_shared).filter_map(path).collect(),
        open: survey
            .own_files()
            .map(|file| (file.number, Arc::clone(&file.duplicate), file.offset))
            .collect(),
        writable: survey.own_files().filter(|file| file.is_writable()).map(|file| file.number).collect(),
        mapped: mapped.map(|area| area.mapping.inode).collect(),
        mapped_paths: areas.iter().filter_map(path).collect(),
        is_following: survey.files.iter().any(|file| file.is_watching() || file.has_rules()),
    }
}

/// Whether a shared mapping is of what only the process has: memory without a file, or a file without a name or in its folders.
fn is_private(mapping: &Mapping, private: &[Private]) -> bool {
    is_among(mapping, private.iter())
}

/// Whether a mapping is of a file in one of these folders, or of none with a name.
fn is_among<'a>(mapping: &Mapping, mut folders: impl Iterator<Item = &'a Private>) -> bool {
    match &mapping.name {
        Name::Path { path, deleted: false } => {
            folders.any(|folder| inspect::path_of(path).starts_with(folder.path()))
        }
        _ => true,
    }
}

/// Stops the process when all its threads wait inside a system call, or after a while wherever they are.
///
/// A process that was stopped on its way from an answer to the next read would, after every restore, go that way again.
/// The kernel has no event for "has gone to sleep", so this tries again after a pause.
fn stop_when_quiet(process: &mut Process) -> Step<()> {
    let begun = Instant::now();
    let mut pause = QUIET_PAUSE;
    loop {
        process.stop(false)?;
        if registers::all_wait(process)? {
            return Ok(());
        }
        let patience = if registers::has_newborn(process)? { BEGUN_WITHIN } else { QUIET_WITHIN };
        if begun.elapsed() >= patience {
            return Ok(());
        }
        registers::undisturb(process)?;
        process.resume()?;
        std::thread::sleep(pause);
        process.catch_up();
        pause = (pause * 2).min(MAX_QUIET_PAUSE);
    }
}

/// How many seccomp filters bind a process; none on kernels that do not tell (before Linux 5.9).
fn filters_of(process: &Process) -> Step<Option<u32>> {
    Ok(inspect::status(process.pid, process.pid)?.seccomp_filters)
}

/// A snapshot holds one process that waits; what else is there could not be put back.
fn refuse_unquiet(process: &Process) -> Step<()> {
    let refuse = |reason, message: String| Err(Trouble::Refused(reason, message));
    if let Some(signal) = process.group_stop() {
        return refuse(Reason::Stopped, format!("it was stopped by signal {signal}"));
    }
    let children = process.children();
    if children.is_empty() {
        return Ok(());
    }
    let named: Vec<String> =
        children.iter().take(MAX_NAMED).map(|child| named(*child, process.pid)).collect();
    let more = if children.len() > MAX_NAMED { ", and more" } else { "" };
    let message = format!(
        "it has {} child processes, and a snapshot holds one process: {}{more}; start them in the request, or end them before \
         the snapshot; have a server run with one worker and no reloader",
        children.len(),
        named.join(", ")
    );
    refuse(Reason::Children, message)
}

/// A child process and the beginning of its command line.
fn named(child: Tid, parent: Tid) -> String {
    const MAX_LENGTH: usize = 120;
    let command_line = |pid| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = command_line(child);
    if words == command_line(parent) {
        return format!("{child} (a fork of it)");
    }
    let words = String::from_utf8_lossy(&words).trim_end_matches('\0').replace('\0', " ");
    let begin: String = words.chars().filter(|letter| !letter.is_control()).take(MAX_LENGTH).collect();
    format!("{child} ({begin})")
}

/// Has the kernel choose the key of memory that may only be executed, which it does with the first such mapping, for good: it sets that
/// key's bits in the thread's register then, and later only where they allow to read.
///
/// Not of a process that was only attached to, which may make keys of its own.
fn settle_key_of_code(stopped: &mut Stopped<'_>) -> Step<()> {
    const EXECUTE: u64 = 4;
    const PRIVATE_FIXED_ANONYMOUS: u64 = 0x32;
    if !stopped.process.spawned {
        return Ok(());
    }
    let tid = stopped.process.main_thread()?;
    let mut extended = Vec::new();
    ptrace::extended_state(tid, &mut extended).or_trouble(Reason::Registers, "reading extended registers")?;
    let mut remote = stopped.remote()?;
    // In its place, so that it goes with it.
    let place = remote.scratch(PAGE_SIZE)?;
    let arguments = [place.0, PAGE_SIZE, EXECUTE, PRIVATE_FIXED_ANONYMOUS, u64::MAX, 0];
    // Who may not have such memory has none in requests either.
    let _may_be_refused = remote.call(call::MMAP, arguments)?;
    drop(remote);
    ptrace::set_extended_state(tid, &extended).or_trouble(Reason::Registers, "setting extended registers")
}

/// Living ones are refused before. One that has ended waits for the first request that asks, and for no other.
fn refuse_dead_children(stopped: &mut Stopped<'_>) -> Step<()> {
    const ANY: u64 = 0;
    // WNOHANG | WEXITED | WNOWAIT | __WALL
    const LOOK: u64 = 1 | 4 | 0x0100_0000 | 0x4000_0000;
    const ECHILD: Errno = Errno(10);
    if stopped.remote()?.call(call::WAITID, [ANY, 0, 0, LOOK, 0, 0])? == Err(ECHILD) {
        return Ok(());
    }
    let message = "it has a child process that has ended: wait for it before the snapshot".into();
    Err(Trouble::Refused(Reason::Children, message))
}
