//! What can go wrong. Each message says what happened, to which process, and what to do.

use groundhog_sys::{Errno, Tid};

/// The engine's result.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A program could not be started.
    #[error("cannot start {program}: {what}: {errno}")]
    Spawn {
        /// The program as it was named.
        program: String,
        /// The step that failed.
        what: &'static str,
        /// Why.
        errno: Errno,
    },
    /// The jail of a process could not be prepared.
    #[error("no jail can be made for the function: {why}; see `groundhog doctor`, or choose another --jail")]
    Jail {
        /// Why.
        why: String,
        /// The same as a number.
        errno: Errno,
    },
    /// A process could not be traced.
    #[error("cannot trace process {pid}: {errno}; run as its user, and see `groundhog doctor`")]
    Attach {
        /// The process.
        pid: Tid,
        /// Why.
        errno: Errno,
    },
    /// The process ended by itself or was killed.
    #[error("process {pid} has ended ({how}); start a new one")]
    Exited {
        /// The process.
        pid: Tid,
        /// How: `exited 1`, `killed by signal 9`.
        how: String,
    },
    /// No snapshot was taken.
    #[error("cannot take a snapshot of process {pid}: {message}")]
    SnapshotRefused {
        /// The process.
        pid: Tid,
        /// Why, as a code.
        reason: Reason,
        /// Why.
        message: String,
    },
    /// The process could not be restored with certainty, and has been killed.
    #[error("process {pid} cannot be restored with certainty and was killed: {message}")]
    RestoreRefused {
        /// The process.
        pid: Tid,
        /// Why, as a code.
        reason: Reason,
        /// Why.
        message: String,
    },
    /// The process differs from its snapshot.
    #[error("process {pid} differs from its snapshot: {difference}")]
    Mismatch {
        /// The process.
        pid: Tid,
        /// The first difference.
        difference: String,
    },
    /// A strategy does not work here.
    #[error("strategy {strategy} does not work on this machine: {why}; see `groundhog doctor`")]
    Unsupported {
        /// The strategy that was asked for.
        strategy: String,
        /// Why not.
        why: String,
    },
    /// The function could undo a strategy.
    #[error(
        "strategy {strategy} is none for a function without a jail, which can undo it by writing to its \
         /proc/PID/clear_refs: give it a jail, or choose another strategy"
    )]
    Undone {
        /// The strategy that was asked for.
        strategy: &'static str,
    },
    /// This machine lacks what no strategy can do without.
    #[error("no process can be isolated on this machine: {name}: {why}; see `groundhog doctor`")]
    Unusable {
        /// What is missing.
        name: &'static str,
        /// What was seen, and what to do.
        why: String,
    },
    /// The command makes no sense now, such as a restore before a snapshot.
    #[error("process {pid}: {message}")]
    Misuse {
        /// The process.
        pid: Tid,
        /// What was wrong.
        message: &'static str,
    },
    /// A system call failed in a way that is not the function's doing.
    #[error("process {pid}: {what}: {errno}")]
    System {
        /// The process.
        pid: Tid,
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        errno: Errno,
    },
}

/// Why a process was not snapshotted or not restored: short, stable codes that label metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A thread of the snapshot has ended.
    ThreadEnded,
    /// The process executed another program.
    Exec,
    /// The process was stopped by job control.
    Stopped,
    /// It has children that the snapshot cannot hold.
    Children,
    /// A child or thread is not under our control.
    Untraced,
    /// A descriptor was closed or replaced.
    DescriptorChanged,
    /// A descriptor of a kind that writes memory behind everyone's back.
    DescriptorKind,
    /// A mapping could not be put back.
    Layout,
    /// A mapping has other flags, which no list of mappings shows.
    MappingFlags,
    /// A mapping of a kind that cannot be followed.
    MappingKind,
    /// More shared memory than the limit.
    SharedMemoryLimit,
    /// Memory could not be read or written back.
    Memory,
    /// Guard pages were installed or removed.
    GuardPages,
    /// Registers could not be set.
    Registers,
    /// It installed a seccomp filter, which stays for ever.
    Filter,
    /// It changed something that the kernel keeps of it and that cannot be put back.
    KernelState,
    /// Write tracking was refused or lost.
    Tracking,
    /// A system call inside the process was refused or failed.
    RemoteCall,
    /// The kernel would not let it be inspected any more.
    Inspection,
    /// Pending signals could not be taken back.
    Signals,
    /// A private file could not be put back.
    Files,
    /// `verify` found a difference after the restore.
    Mismatch,
}

impl Reason {
    /// The code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ThreadEnded => "thread-ended",
            Self::Exec => "exec",
            Self::Stopped => "stopped",
            Self::Children => "children",
            Self::Untraced => "untraced",
            Self::DescriptorChanged => "fd-changed",
            Self::DescriptorKind => "fd-kind",
            Self::Layout => "layout",
            Self::MappingFlags => "mapping-flags",
            Self::MappingKind => "mapping-kind",
            Self::SharedMemoryLimit => "shared-memory-limit",
            Self::Memory => "memory",
            Self::GuardPages => "guard-pages",
            Self::Registers => "registers",
            Self::Filter => "filter",
            Self::KernelState => "kernel-state",
            Self::Tracking => "tracking",
            Self::RemoteCall => "remote-call",
            Self::Inspection => "inspection",
            Self::Signals => "signals",
            Self::Files => "files",
            Self::Mismatch => "mismatch",
        }
    }
}

/// Why an operation on a stopped process cannot go on. Whoever began the operation turns it into an [`Error`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The process is gone.
    Exited,
    /// It is in a state that cannot be handled with certainty.
    Refused(Reason, String),
}

impl Trouble {
    /// A refusal that names the failed system call; a vanished process is told as such.
    pub(crate) fn system(reason: Reason, what: &str, errno: Errno) -> Self {
        if errno.0 == libc_esrch() { Self::Exited } else { Self::Refused(reason, format!("{what}: {errno}")) }
    }
}

/// `ESRCH`, the kernel's word for "gone".
const fn libc_esrch() -> i32 {
    3
}

/// The result of a step on a stopped process.
pub(crate) type Step<T> = std::result::Result<T, Trouble>;

/// Adds what was tried to a failed system call.
pub(crate) trait OrTrouble<T> {
    /// Turns the error into [`Trouble`], saying what was tried.
    fn or_trouble(self, reason: Reason, what: &str) -> Step<T>;
}

impl<T> OrTrouble<T> for groundhog_sys::Result<T> {
    fn or_trouble(self, reason: Reason, what: &str) -> Step<T> {
        self.map_err(|errno| Trouble::system(reason, what, errno))
    }
}

impl<T> OrTrouble<T> for std::io::Result<T> {
    fn or_trouble(self, reason: Reason, what: &str) -> Step<T> {
        self.map_err(|error| Trouble::system(reason, what, Errno(error.raw_os_error().unwrap_or(0))))
    }
}
