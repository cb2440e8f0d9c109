//! The threads and children of a traced process: following, stopping and resuming them.
//!
//! The kernel attaches every new thread and every descendant to us by itself and reports its birth and its end, so
//! what stands here is exact, not a sample of `/proc`. A thread is either running or in a ptrace-stop.
//!
//! Only stops at which the kernel goes back to user mode through its signal code are kept: there registers may be
//! set freely. A stop in the middle of a system call (clone, exec, exit events) is left at once, because the call
//! would write its result over what we set.

mod events;
mod held;
mod stopping;

use crate::error::{Step, Trouble};
use crate::trace::doorbell::Doorbell;
use events::EVENT_EXIT;
use groundhog_sys::ptrace::Registers;
use groundhog_sys::wait::WaitStatus;
use groundhog_sys::{Errno, RemoteAddr, Tid, ptrace};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
pub(crate) use stopping::Faults;

const SIGSTOP: i32 = 19;

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
    /// It was about to end, and stays stopped until the next restore.
    is_held: bool,
}

impl Thread {
    /// One that has just been found.
    const NEW: Self = Self { run: Run::Running, in_snapshot: false, flags: None, is_held: false };
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
    /// Whether nobody else has the memory of the caller.
    pub(crate) is_alone: &'a dyn Fn() -> bool,
    /// The process has living descendants.
    pub(crate) has_children: bool,
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
    /// Of the threads that can be held at their ends, the word that the kernel clears there, or 0.
    cleared_at_end: BTreeMap<Tid, RemoteAddr>,
    /// Threads on their way out: until their end is told they write to memory and are counted.
    leaving: BTreeSet<Tid>,
    /// Living descendants: their threads, each with its process.
    children: BTreeMap<Tid, Tid>,
    /// Those of them whose birth no parent has told yet, and whether they wait for that. A parent that was killed tells of none; what
    /// it has made never runs, or it would run in a later request.
    untold: BTreeMap<Tid, bool>,
    pub(crate) doorbell: Arc<Doorbell>,
    happened: Happened,
    ending: Option<Ending>,
    /// All threads are being stopped.
    stopping: bool,
    /// It is being reverted: a descendant that shows now was made before, by one that was killed.
    reverting: bool,
    /// Most threads and descendants at a time; more, and all are killed.
    pub(crate) most_tasks: usize,
    /// They were.
    overran: bool,
    /// Until when it has to be stopped, reverted and resumed.
    deadline: Option<Instant>,
    /// How often nothing was told of it although it has ended.
    silences: u32,
    /// What has happened, and is yet to be booked.
    late: VecDeque<(Tid, WaitStatus)>,
    /// When another thread of this program was last told instead of the tracer.
    robbed: Option<Instant>,
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
        let doorbell = Arc::new(Doorbell::new(Arc::clone(&pidfd)));
        Ok(Self {
            pid,
            pidfd,
            files: ProcFiles::open(pid)?,
            spawned,
            observer,
            threads: threads.into_iter().map(|tid| (tid, Thread::NEW)).collect(),
            cleared_at_end: BTreeMap::new(),
            leaving: BTreeSet::new(),
            children: BTreeMap::new(),
            untold: BTreeMap::new(),
            doorbell,
            happened: Happened::default(),
            ending: None,
            stopping: false,
            reverting: false,
            most_tasks: usize::MAX,
            overran: false,
            deadline: None,
            silences: 0,
            late: VecDeque::new(),
            robbed: None,
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
        let waits = |thread: &Thread| thread.run == Run::Stopped(0) && !thread.is_held;
        self.threads.iter().filter(move |(_, thread)| waits(thread)).map(|(tid, _)| *tid)
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

    /// Makes today's threads those of the snapshot. `cleared_at_end`: of those that can be put back when they end, the word
    /// that the kernel clears then, or 0.
    pub(crate) fn mark_snapshot(&mut self, cleared_at_end: BTreeMap<Tid, RemoteAddr>) {
        self.cleared_at_end = cleared_at_end;
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

    /// Living descendants.
    pub(crate) fn children(&self) -> BTreeSet<Tid> {
        self.children.values().copied().collect()
    }

    /// Whether it is stopped to be reverted.
    pub(crate) fn is_reverting(&self) -> bool {
        self.reverting
    }

    /// Whether all its threads are in a ptrace-stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.threads.values().all(|thread| matches!(thread.run, Run::Stopped(_)))
    }
}
