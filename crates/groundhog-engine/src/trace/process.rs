//! The threads and children of a traced process: following, stopping and resuming them.
//!
//! The kernel attaches every new thread and every descendant to us by itself and reports its birth and its end, so
//! what stands here is exact, not a sample of `/proc`. A thread is either running or in a ptrace-stop.
//!
//! Only stops at which the kernel goes back to user mode through its signal code are kept: there registers may be
//! set freely. A stop in the middle of a system call (clone, exec, exit events) is left at once, because the call
//! would write its result over what we set.

use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::trace::doorbell::Doorbell;
use groundhog_sys::ptrace::Registers;
use groundhog_sys::wait::{self, Patience, WaitStatus};
use groundhog_sys::{Errno, Tid, pidfd, ptrace};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SIGSTOP: i32 = 19;
const EVENT_FORK: i32 = 1;
const EVENT_VFORK: i32 = 2;
const EVENT_CLONE: i32 = 3;
const EVENT_EXEC: i32 = 4;
const EVENT_EXIT: i32 = 6;
const EVENT_SECCOMP: i32 = 7;
/// More than this, and its end is not told any more.
const MAX_SILENCES: u32 = 2;
/// How long a killed process may take to be gone.
const KILLED_WITHIN: Duration = Duration::from_secs(5);

/// Where a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    /// In user mode or in the kernel, on its own.
    Running,
    /// In a ptrace-stop; the signal it was about to receive, or 0.
    Stopped(i32),
}

/// A thread of the process.
#[derive(Clone, Copy, Debug)]
struct Thread {
    run: Run,
    /// It was there when the snapshot was taken.
    in_snapshot: bool,
    /// Its processor flags at the stop that it is in, if that interrupted it.
    flags: Option<u64>,
}

/// A call that a seccomp program lets stop for us, before it is made.
pub(crate) struct StoppedCall<'a> {
    pub(crate) caller: Tid,
    /// The process that the caller is a thread of.
    pub(crate) group: Tid,
    /// The traced process.
    pub(crate) process: Tid,
    /// The caller is one of its threads, and not of a descendant.
    pub(crate) is_ours: bool,
    /// A thread that the snapshot does not have.
    pub(crate) is_new: bool,
    /// Nobody else runs in the process, nor a descendant of it.
    pub(crate) is_alone: bool,
    /// What the program says.
    pub(crate) message: u64,
    /// None when they cannot be read.
    pub(crate) registers: Option<Registers>,
    pub(crate) is_thread: &'a dyn Fn(Tid) -> bool,
    pub(crate) is_descendant: &'a dyn Fn(Tid) -> bool,
}

/// Who is told what the process does while it runs.
pub(crate) trait Observer: std::fmt::Debug {
    /// A call is about to be made. The error with which it is to be refused, if it is.
    fn see(&mut self, call: &StoppedCall<'_>) -> Option<Errno>;
    /// A signal is about to be delivered to the process.
    fn note_delivery(&mut self, signal: i32);
    /// A thread was interrupted in a call that the kernel may go on with by `restart_syscall`.
    fn note_interruption(&mut self, thread: Tid);
    /// A descendant was killed by a signal.
    fn note_killed_descendant(&mut self);
}

/// How the process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Exited(i32),
    Killed(i32),
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exited {code}"),
            Self::Killed(signal) => write!(f, "killed by signal {signal}"),
        }
    }
}

/// Files under `/proc/PID` that stay open: they are bound to the address space, so they keep working when the
/// process makes itself undumpable, and tell nothing of another program after exec.
#[derive(Debug)]
pub(crate) struct ProcFiles {
    pub(crate) maps: File,
    pub(crate) pagemap: File,
    pub(crate) mem: File,
    pub(crate) clear_refs: Option<File>,
}

/// A traced process, known to its tracer thread only.
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each with a name")]
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) pid: Tid,
    pub(crate) pidfd: Arc<OwnedFd>,
    pub(crate) files: ProcFiles,
    /// It was started by us, behind the filter that forbids untraced children.
    pub(crate) spawned: bool,
    observer: Box<dyn Observer>,
    threads: BTreeMap<Tid, Thread>,
    /// Threads on their way out: until their end is told they write to memory and are counted.
    leaving: BTreeSet<Tid>,
    /// Living descendants: their threads, each with its process.
    children: BTreeMap<Tid, Tid>,
    pub(crate) doorbell: Arc<Doorbell>,
    happened: Happened,
    ending: Option<Ending>,
    /// All threads are being stopped.
    stopping: bool,
    /// Most threads and descendants at a time; more, and all are killed.
    pub(crate) most_tasks: usize,
    /// They were.
    overran: bool,
    /// Until when it has to be stopped, reverted and resumed.
    deadline: Option<Instant>,
    /// How often nothing was told of it although it has ended.
    silences: u32,
}

/// What happened since the snapshot and cannot be seen afterwards.
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each with a name")]
#[derive(Debug, Default)]
struct Happened {
    thread_ended: bool,
    execed: bool,
    had_children: bool,
    group_stop: Option<i32>,
    /// Threads that got a signal of those that faults are told by, or for which one waited.
    faulted: BTreeSet<Tid>,
    /// The signals of faults that came to nobody, bit n-1 for signal n.
    untold_faults: u64,
    /// Another thread than the first one got a signal to the process.
    signal_elsewhere: bool,
}

/// `SIGILL`, `SIGTRAP`, `SIGBUS`, `SIGFPE`, `SIGSEGV`: what a thread is told its faults by.
pub(crate) const TELL_FAULTS: [i32; 5] = [4, 5, 7, 8, 11];
/// `SIGPIPE`, `SIGXFSZ`: what the kernel tells a thread about its own call.
const TELL_CALLS: [i32; 2] = [13, 25];

/// Whether the kernel may have chosen the thread that is stopped at a signal among all, for one to the process. (That a request
/// may have had one sent is told by its calls and its children; this is for what others send.)
fn is_for_any_thread(tid: Tid, signal: i32) -> bool {
    const SI_TKILL: i32 = -6;
    match ptrace::signal_code(tid) {
        Ok(Some(SI_TKILL)) => false,
        Ok(Some(code)) if TELL_FAULTS.contains(&signal) => code <= 0,
        _ => !TELL_CALLS.contains(&signal),
    }
}

/// The signal as the process gets it: `SIGSTOP` never, because it is our doorbell, and a process that is stopped by
/// job control could not be woken to be restored.
fn deliverable(signal: i32) -> i32 {
    if signal == SIGSTOP { 0 } else { signal }
}

/// The process that a thread belongs to; none when the thread is a zombie or gone.
///
/// One of which nothing can be read counts as a living process of its own: its end is told, and it is killed before that.
fn process_of(tid: Tid) -> Option<Tid> {
    let text = match std::fs::read(format!("/proc/{tid}/status")) {
        Ok(text) => text,
        Err(error) if matches!(error.raw_os_error(), Some(2 | 3)) => return None, // ENOENT, ESRCH
        Err(_) => return Some(tid),
    };
    let Ok(status) = groundhog_proc::status::parse(&text) else { return Some(tid) };
    let process = i32::try_from(status.tgid).map_or(tid, Tid);
    (!matches!(status.state, b'Z' | b'X')).then_some(process)
}

/// Whether the kernel may go on with the call that a stopped thread was in by `restart_syscall`.
fn may_restart(registers: &Registers) -> bool {
    const ERESTART_RESTARTBLOCK: i64 = 516;
    registers.orig_rax.cast_signed() >= 0 && registers.rax.cast_signed() == -ERESTART_RESTARTBLOCK
}

impl ProcFiles {
    fn open(pid: Tid) -> std::io::Result<Self> {
        let path = |name: &str| PathBuf::from(format!("/proc/{pid}/{name}"));
        let write = |name: &str| File::options().write(true).open(path(name));
        Ok(Self {
            maps: File::open(path("maps"))?,
            pagemap: File::open(path("pagemap"))?,
            mem: File::options().read(true).write(true).open(path("mem"))?,
            clear_refs: write("clear_refs").ok(),
        })
    }
}

impl Process {
    /// Takes over a process whose threads the calling thread has just seized.
    pub(crate) fn new(
        pid: Tid,
        pidfd: Arc<OwnedFd>,
        threads: impl IntoIterator<Item = Tid>,
        spawned: bool,
        observer: Box<dyn Observer>,
    ) -> std::io::Result<Self> {
        let thread = Thread { run: Run::Running, in_snapshot: false, flags: None };
        let doorbell = Arc::new(Doorbell::new(Arc::clone(&pidfd)));
        Ok(Self {
            pid,
            pidfd,
            files: ProcFiles::open(pid)?,
            spawned,
            observer,
            threads: threads.into_iter().map(|tid| (tid, thread)).collect(),
            leaving: BTreeSet::new(),
            children: BTreeMap::new(),
            doorbell,
            happened: Happened::default(),
            ending: None,
            stopping: false,
            most_tasks: usize::MAX,
            overran: false,
            deadline: None,
            silences: 0,
        })
    }

    /// Opens the files anew, after an exec: the old ones tell of the old address space.
    pub(crate) fn reopen_files(&mut self) -> std::io::Result<()> {
        self.files = ProcFiles::open(self.pid)?;
        self.happened.execed = false;
        Ok(())
    }

    /// How it ended, if it has.
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// How it ended, in words.
    pub(crate) fn ending_text(&self) -> Option<String> {
        let ending = self.ending?;
        Some(if self.overran {
            format!("killed, for it had started more than {} processes and threads", self.most_tasks)
        } else {
            ending.to_string()
        })
    }

    /// The threads, in ascending order.
    pub(crate) fn threads(&self) -> impl Iterator<Item = Tid> + '_ {
        self.threads.keys().copied()
    }

    /// Stopped threads that are not about to receive a signal, whose handler may expect to have interrupted a call.
    pub(crate) fn threads_without_signal(&self) -> impl Iterator<Item = Tid> + '_ {
        self.threads.iter().filter(|(_, thread)| thread.run == Run::Stopped(0)).map(|(tid, _)| *tid)
    }

    /// Whether it was killed: nothing else takes a thread out of a ptrace-stop without us, and it may be in its last
    /// one by now.
    pub(crate) fn is_dying(&self) -> bool {
        let gone = |tid: &Tid| !matches!(ptrace::stop_event(*tid), Ok(event) if event != EVENT_EXIT);
        self.ending.is_some()
            || self.threads.is_empty()
            || self.threads.iter().any(|(tid, thread)| thread.run != Run::Running && gone(tid))
    }

    /// Threads that the snapshot does not have.
    pub(crate) fn new_threads(&self) -> Vec<Tid> {
        self.threads.iter().filter(|(_, thread)| !thread.in_snapshot).map(|(tid, _)| *tid).collect()
    }

    /// A thread to make system calls in: the first one of the snapshot, else the first.
    pub(crate) fn main_thread(&self) -> Step<Tid> {
        self.threads().next().ok_or(Trouble::Exited)
    }

    /// Makes today's threads those of the snapshot.
    pub(crate) fn mark_snapshot(&mut self) {
        for thread in self.threads.values_mut() {
            thread.in_snapshot = true;
        }
        self.happened = Happened::default();
    }

    /// Whether children were born since this was last asked: dead ones may wait to be reaped.
    pub(crate) fn take_had_children(&mut self) -> bool {
        std::mem::take(&mut self.happened.had_children)
    }

    /// A thread's processor flags at the stop that it is in, if they were looked at.
    pub(crate) fn flags(&self, tid: Tid) -> Option<u64> {
        self.threads.get(&tid).and_then(|thread| thread.flags)
    }

    /// A thread has faulted; the signals that tell of it, bit n-1 for signal n, are not delivered.
    pub(crate) fn note_untold_faults(&mut self, tid: Tid, signals: u64) {
        self.happened.faulted.insert(tid);
        self.happened.untold_faults |= signals;
    }

    /// The signals of faults that were not delivered, since this was last asked.
    pub(crate) fn take_untold_faults(&mut self) -> u64 {
        std::mem::take(&mut self.happened.untold_faults)
    }

    /// The threads that may have faulted since this was last asked.
    pub(crate) fn take_faulted(&mut self) -> BTreeSet<Tid> {
        std::mem::take(&mut self.happened.faulted)
    }

    /// Whether another thread than the first one got a signal to the process since this was last asked.
    pub(crate) fn take_signal_elsewhere(&mut self) -> bool {
        std::mem::take(&mut self.happened.signal_elsewhere)
    }

    /// Where the kernel chooses who gets a signal that the first thread does not take, among several others, one of them.
    pub(crate) fn other_signal_taker(&self) -> Option<Tid> {
        let mut others = self.threads.keys().copied().filter(|tid| *tid != self.pid);
        let first = others.next()?;
        others.next().map(|_| first)
    }

    /// Whether a thread of the snapshot has ended.
    pub(crate) fn snapshot_thread_ended(&self) -> bool {
        self.happened.thread_ended
    }

    /// Whether it executed another program since the files were opened.
    pub(crate) fn execed(&self) -> bool {
        self.happened.execed
    }

    /// The signal of a group-stop that it is in.
    pub(crate) fn group_stop(&self) -> Option<i32> {
        self.happened.group_stop
    }

    /// Living children and their threads.
    pub(crate) fn children(&self) -> usize {
        self.children.len()
    }

    /// Whether all its threads are in a ptrace-stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.threads.values().all(|thread| matches!(thread.run, Run::Stopped(_)))
    }

    /// Books what has happened by now, or much of it. Whoever has stopped needs not be stopped once more: a thread at its first stop would
    /// keep the second one for when it goes on, and never begin while this is done again and again.
    pub(crate) fn catch_up(&mut self) {
        const MAX_EVENTS: usize = 1000;
        for _ in 0..MAX_EVENTS {
            match wait::any(Patience::Poll) {
                Ok(Some((tid, status))) => self.note(tid, status),
                Ok(None) | Err(_) => break, // a stop will tell of what is wrong
            }
        }
    }

    /// Waits for one event while the process runs. Whoever had it stays stopped until [`Self::release`].
    ///
    /// # Errors
    /// `ECHILD` when nothing is left to wait for.
    pub(crate) fn follow(&mut self) -> groundhog_sys::Result<()> {
        match wait::any(Patience::Wait)? {
            Some((tid, status)) => self.note(tid, status),
            None => self.note_silence(),
        }
        Ok(())
    }

    /// Nothing was told for a while. If the process has ended, nothing will be: somebody else has waited for it, or was told
    /// of the stop before the end.
    fn note_silence(&mut self) {
        let leaving = |tid: &Tid| ptrace::stop_event(*tid) == Ok(EVENT_EXIT);
        let untold = self.threads.iter().filter(|(tid, thread)| thread.run == Run::Running && leaving(tid));
        for tid in untold.map(|(tid, _)| *tid).collect::<Vec<_>>() {
            self.note(tid, WaitStatus::Event(EVENT_EXIT));
        }
        self.silences = if pidfd::has_ended(&self.pidfd) { self.silences + 1 } else { 0 };
        if self.silences >= MAX_SILENCES && self.ending.is_none() {
            self.ending = Some(Ending::Killed(9));
            self.threads.clear();
            self.leaving.clear();
        }
    }

    /// Lets every stopped thread go on, with the signal it was about to receive.
    pub(crate) fn release(&mut self) -> groundhog_sys::Result<()> {
        for (tid, thread) in &mut self.threads {
            if let Run::Stopped(signal) = thread.run {
                match ptrace::cont(*tid, signal) {
                    // ESRCH: killed meanwhile, and its end will be reported.
                    Ok(()) | Err(Errno(3)) => thread.run = Run::Running,
                    Err(errno) => return Err(errno),
                }
            }
        }
        Ok(())
    }

    /// Forgets the signals at which threads were stopped.
    pub(crate) fn drop_signals(&mut self) {
        for thread in self.threads.values_mut() {
            if let Run::Stopped(signal) = &mut thread.run {
                *signal = 0;
            }
        }
    }

    /// Books an event. A thread's kept stops are noted in `threads`; all others are continued here.
    fn note(&mut self, tid: Tid, status: WaitStatus) {
        let known = self.children.contains_key(&tid) || self.leaving.contains(&tid);
        if !known && !self.threads.contains_key(&tid) {
            self.adopt(tid);
        }
        let ours = self.threads.contains_key(&tid);
        let interrupts =
            matches!(status, WaitStatus::Signal(_) | WaitStatus::Stop | WaitStatus::GroupStop(_));
        let registers = if interrupts { ptrace::registers(tid).ok() } else { None };
        if registers.as_ref().is_some_and(may_restart) {
            self.observer.note_interruption(tid);
        }
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.flags = registers.map(|registers| registers.eflags);
        }
        match status {
            WaitStatus::Exited(code) => self.note_end(tid, Ending::Exited(code)),
            WaitStatus::Killed(signal) => self.note_end(tid, Ending::Killed(signal)),
            WaitStatus::Event(event) => self.note_call_event(tid, event, ours),
            WaitStatus::Signal(signal) if ours => {
                if deliverable(signal) != 0 {
                    self.observer.note_delivery(signal);
                }
                if tid != self.pid && signal != SIGSTOP && !self.happened.signal_elsewhere {
                    self.happened.signal_elsewhere = is_for_any_thread(tid, signal);
                }
                if TELL_FAULTS.contains(&signal) {
                    self.happened.faulted.insert(tid);
                }
                self.set_run(tid, Run::Stopped(deliverable(signal)));
            }
            WaitStatus::Stop | WaitStatus::Syscall if ours => {
                self.happened.group_stop = None;
                self.set_run(tid, Run::Stopped(0));
            }
            WaitStatus::GroupStop(signal) if ours => {
                self.happened.group_stop = Some(signal);
                self.set_run(tid, Run::Stopped(0));
            }
            // A child: it runs on with whatever signal it was to receive.
            WaitStatus::Signal(signal) => drop(ptrace::cont(tid, deliverable(signal))),
            WaitStatus::Stop | WaitStatus::Syscall | WaitStatus::GroupStop(_) => drop(ptrace::cont(tid, 0)),
        }
    }

    fn set_run(&mut self, tid: Tid, run: Run) {
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.run = run;
        }
    }

    /// An event in the middle of a system call: booked, and left at once.
    fn note_call_event(&mut self, tid: Tid, event: i32, ours: bool) {
        match event {
            EVENT_FORK | EVENT_VFORK | EVENT_CLONE => {
                let born = ptrace::event_message(tid).ok().and_then(|id| i32::try_from(id).ok()).map(Tid);
                if let Some(born) = born
                    && !self.threads.contains_key(&born)
                {
                    self.adopt(born);
                }
            }
            EVENT_EXEC if ours => {
                // The thread that called exec has become the first one, and all others are gone.
                self.happened.execed = true;
                self.threads.clear();
                self.leaving.clear();
                self.threads.insert(self.pid, Thread { run: Run::Running, in_snapshot: false, flags: None });
            }
            EVENT_EXEC => {
                // It goes on under its process's id; the end of the thread that it was is not told, and its number is free.
                let former = ptrace::event_message(tid).ok().and_then(|id| i32::try_from(id).ok()).map(Tid);
                if let Some(former) = former.filter(|former| *former != tid) {
                    self.forget_child(former);
                }
            }
            EVENT_SECCOMP => self.note_seccomp_stop(tid, ours),
            EVENT_EXIT if ours => {
                // Said before the end, because a first thread that ends while others go on is never reported again.
                self.note_thread_end(tid);
                if tid != self.pid {
                    self.leaving.insert(tid);
                }
            }
            _ => {}
        }
        if ours && self.stopping {
            // This stop has taken the place of the one that was asked for (`ptrace_stop` in kernel/signal.c).
            let _ending = ptrace::interrupt(tid);
        }
        let _gone_is_fine = ptrace::cont(tid, 0);
    }

    /// A thread is about to make a call that one of our programs wants to be seen.
    fn note_seccomp_stop(&mut self, tid: Tid, is_ours: bool) {
        let registers = ptrace::registers(tid).ok();
        let group = if is_ours { self.pid } else { self.children.get(&tid).copied().unwrap_or(tid) };
        let Self { threads, children, observer, pid, .. } = self;
        let refused = observer.see(&StoppedCall {
            caller: tid,
            group,
            process: *pid,
            is_ours,
            is_new: threads.get(&tid).is_none_or(|thread| !thread.in_snapshot),
            is_alone: threads.len() == 1 && children.is_empty(),
            // What cannot be read is judged by the registers.
            message: ptrace::event_message(tid).unwrap_or(u64::MAX),
            registers,
            is_thread: &|named| threads.contains_key(&named),
            is_descendant: &|named| {
                children.iter().any(|(thread, process)| *thread == named || *process == named)
            },
        });
        if let (Some(errno), Some(registers)) = (refused, registers) {
            let answer = i64::from(-errno.0).cast_unsigned();
            let refusal = Registers { orig_rax: u64::MAX, rax: answer, ..registers };
            match ptrace::set_registers(tid, &refusal) {
                // A thread that is gone makes no call either.
                Ok(()) | Err(Errno(3)) => {}
                Err(_) => drop(pidfd::kill_by_id(group)),
            }
        }
    }

    fn note_thread_end(&mut self, tid: Tid) {
        if self.threads.remove(&tid).is_some_and(|thread| thread.in_snapshot) {
            self.happened.thread_ended = true;
        }
        if tid == self.pid {
            self.doorbell.note_first_thread_ended();
        }
    }

    fn note_end(&mut self, tid: Tid, ending: Ending) {
        self.note_thread_end(tid);
        self.leaving.remove(&tid);
        if tid != self.pid && matches!(ending, Ending::Killed(_)) {
            self.observer.note_killed_descendant();
        }
        self.forget_child(tid);
        // The end of a first thread is told when all others are gone. One that was killed on its way into another program
        // went without a word.
        self.children.retain(|_, process| *process != tid);
        if tid == self.pid {
            self.ending = Some(ending);
            self.threads.clear();
            for process in self.children.values() {
                let _already_dead = pidfd::kill_by_id(*process);
            }
        }
    }

    fn forget_child(&mut self, tid: Tid) {
        if self.children.remove(&tid).is_some() {
            self.doorbell.remove(tid);
        }
    }

    /// A thread or process seen for the first time. The kernel attached it, and it stops before it runs.
    fn adopt(&mut self, tid: Tid) {
        let is_thread = std::path::Path::new(&format!("/proc/{}/task/{tid}", self.pid)).exists();
        if is_thread && tid != self.pid {
            self.threads.insert(tid, Thread { run: Run::Running, in_snapshot: false, flags: None });
        } else if tid != self.pid && std::path::Path::new(&format!("/proc/{tid}")).exists() {
            self.happened.had_children = true;
            // Its end may have been told before its birth, and will not be told again.
            if let Some(process) = process_of(tid) {
                self.children.insert(tid, process);
                self.doorbell.add(tid);
                if self.overran || self.ending.is_some() {
                    let _already_dead = pidfd::kill_by_id(process);
                }
            }
        }
        if self.threads.len() + self.children.len() > self.most_tasks && !self.overran {
            self.overran = true;
            let _already_dead = pidfd::kill(&*self.pidfd);
            for process in self.children.values() {
                let _already_dead = pidfd::kill_by_id(*process);
            }
        }
    }

    /// Stops every thread; with `kill_children`, kills every descendant as well. Says how many were killed.
    ///
    /// When it returns, no thread of the process runs, none can be born, and every descendant is dead.
    pub(crate) fn stop(&mut self, kill_children: bool) -> Step<u64> {
        let running: Vec<Tid> =
            self.threads.iter().filter(|(_, t)| t.run == Run::Running).map(|(tid, _)| *tid).collect();
        for tid in running {
            // ESRCH: it is ending, and its last event is on its way.
            let _ending = ptrace::interrupt(tid);
        }
        self.stopping = true;
        let killed = self.wait_until_stopped(kill_children);
        self.stopping = false;
        let killed = killed?;
        if self.threads.is_empty() {
            return Err(Trouble::Exited);
        }
        if !self.spawned {
            self.refuse_untraced()?;
        }
        Ok(killed)
    }

    /// Takes events until every thread is in a stop that is kept.
    fn wait_until_stopped(&mut self, kill_children: bool) -> Step<u64> {
        let mut killed = BTreeSet::new();
        loop {
            if kill_children {
                for process in self.children.values() {
                    if killed.insert(*process) {
                        let _already_dead = pidfd::kill_by_id(*process);
                    }
                }
            }
            if self.ending.is_some() {
                return Err(Trouble::Exited);
            }
            let alone = !kill_children || self.children.is_empty();
            if alone && self.leaving.is_empty() && self.is_stopped() {
                return Ok(killed.len() as u64);
            }
            if let Some((tid, status)) = self.next_event()? {
                self.note(tid, status);
            }
        }
    }

    /// Waits for an event, at most until the deadline; none: it was only looked whether that is over.
    fn next_event(&mut self) -> Step<Option<(Tid, WaitStatus)>> {
        let event = wait::any(Patience::Wait).map_err(|_| Trouble::Exited)?;
        if event.is_none() {
            self.note_silence();
        }
        if event.is_none() && self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            let message = "it could not be stopped and reverted in time".to_owned();
            return Err(Trouble::Refused(Reason::Stopped, message));
        }
        Ok(event)
    }

    /// Gives what follows so much time, or as much as it takes.
    pub(crate) fn set_time_limit(&mut self, limit: Option<Duration>) {
        self.deadline = limit.map(|limit| Instant::now() + limit);
    }

    /// Threads and children that were made with `CLONE_UNTRACED`, which a process started by us may not use.
    fn refuse_untraced(&self) -> Step<()> {
        let refuse = |what: String| Err(Trouble::Refused(Reason::Untraced, what));
        let folder = format!("/proc/{}/task", self.pid);
        for entry in std::fs::read_dir(&folder).or_trouble(Reason::Inspection, "listing its threads")? {
            let name = entry.or_trouble(Reason::Inspection, "listing its threads")?.file_name();
            let tid = name.to_str().and_then(|text| text.parse().ok()).map_or(Tid(0), Tid);
            if !self.threads.contains_key(&tid) {
                return refuse(format!("thread {tid} is not traced"));
            }
            let path = format!("{folder}/{tid}/children");
            let text = std::fs::read(path).or_trouble(Reason::Inspection, "listing its children")?;
            let children = groundhog_proc::children::parse(&text)
                .map_err(|error| Trouble::Refused(Reason::Inspection, error.to_string()))?;
            if let Some(child) =
                children.iter().find(|child| !self.children.contains_key(&Tid(**child as i32)))
            {
                return refuse(format!("child process {child} is not traced"));
            }
        }
        Ok(())
    }

    /// Waits for an event of one thread while all others are stopped. Theirs, which are their ends, are booked.
    ///
    /// Waiting for the one alone could last forever: the end of the first thread of a process that is killed is told
    /// only when the ends of all others have been taken.
    pub(crate) fn wait_for(&mut self, tid: Tid) -> Step<WaitStatus> {
        loop {
            match self.next_event()? {
                Some((found, status)) if found == tid => return Ok(status),
                Some((other, status)) => self.note(other, status),
                None => {}
            }
            if self.ending.is_some() {
                return Err(Trouble::Exited);
            }
        }
    }

    /// Ends a stopped thread by making it call `exit`, and waits until it is gone.
    pub(crate) fn end_thread(&mut self, tid: Tid, instruction: u64) -> Step<()> {
        let mut registers = ptrace::registers(tid).or_trouble(Reason::Registers, "reading registers")?;
        crate::arch::set_call(&mut registers, instruction, crate::arch::call::EXIT, [0; 6]);
        ptrace::set_signal_mask(tid, !0).or_trouble(Reason::Registers, "setting a signal mask")?;
        ptrace::set_registers(tid, &registers).or_trouble(Reason::Registers, "setting registers")?;
        ptrace::cont(tid, 0).or_trouble(Reason::Registers, "resuming a thread")?;
        loop {
            match self.wait_for(tid)? {
                WaitStatus::Exited(_) | WaitStatus::Killed(_) => break,
                _ => drop(ptrace::cont(tid, 0)),
            }
        }
        self.threads.remove(&tid);
        Ok(())
    }

    /// Resumes every thread, with the signals at which they were stopped.
    pub(crate) fn resume(&mut self) -> Step<()> {
        self.release().or_trouble(Reason::Registers, "resuming a thread")
    }

    /// Remembers that a stopped thread was about to receive a signal. One that tells of a fault comes whatever is blocked, along with the
    /// end of a single step (`dequeue_synchronous_signal` in kernel/signal.c).
    pub(crate) fn hold_signal(&mut self, tid: Tid, signal: i32) {
        if TELL_FAULTS.contains(&signal) {
            self.note_untold_faults(tid, 1 << (signal - 1));
        }
        if deliverable(signal) != 0 {
            self.set_run(tid, Run::Stopped(signal));
        }
    }

    /// Books the end of a thread that another waiter saw.
    pub(crate) fn note_outcome(&mut self, tid: Tid, status: WaitStatus) {
        self.note(tid, status);
    }

    /// Kills the process and its descendants, and reaps everything, unless the kernel does not tell of their ends: another
    /// thread of this program may have waited for them.
    pub(crate) fn kill(&mut self) {
        let begun = Instant::now();
        let _already_dead = pidfd::kill(&*self.pidfd);
        while begun.elapsed() < KILLED_WITHIN {
            for process in self.children.values() {
                let _already_dead = pidfd::kill_by_id(*process);
            }
            match wait::any(Patience::Wait) {
                Ok(Some((tid, status))) => {
                    self.note(tid, status);
                    let _gone = self.release();
                }
                Ok(None) => {
                    self.note_silence();
                    if self.ending.is_some() && self.children.is_empty() {
                        break;
                    }
                }
                Err(_) => break, // nothing left
            }
        }
        self.ending.get_or_insert(Ending::Killed(9));
        self.threads.clear();
    }

    /// Stops tracing and leaves the process running (for one that we only attached to).
    pub(crate) fn detach(&mut self) {
        if self.stop(false).is_ok() {
            for tid in self.threads.keys() {
                let _gone = ptrace::detach(*tid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{WaitId, WaitIdOptions};
    use std::process::{Command, Stdio};

    /// Its birth may be told after its end; it would be waited for in vain.
    #[test]
    fn a_child_that_has_ended_is_of_no_process() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat");
        let tid = Tid(child.id().cast_signed());
        assert_eq!(process_of(tid), Some(tid));
        drop(child.stdin.take());
        let pid = rustix::process::Pid::from_child(&child);
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        rustix::process::waitid(WaitId::Pid(pid), ended).expect("its end");
        assert_eq!(process_of(tid), None);
        assert!(std::path::Path::new(&format!("/proc/{tid}")).exists(), "nobody has waited for it");
        assert!(child.wait().expect("its status").success());
        assert_eq!(process_of(tid), None);
    }
}
