//! What the kernel keeps of a process beside its memory and its descriptors: put back where a request set it.
//!
//! All of it is read at the snapshot. The calls that set it are seen (see `watch`), so that a request which makes none
//! pays nothing; after one that did, the kinds that it touched are put back, one row of the table each, and read again:
//! what is not as it was then is refused.

pub(crate) mod attributes;
mod by_procfs;
mod by_syscall;
pub(crate) mod signals;
mod timers;

use crate::error::{Reason, Step, Trouble};
use crate::report::RestoreReport;
use crate::trace::process::Process;
use crate::trace::remote_syscall::{Anchor, Remote};
use groundhog_sys::Tid;
use std::os::fd::OwnedFd;

/// What a call can set, as far as it can be put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Whether others may look into the process.
    Dumpable,
    /// Resource limits.
    Limits,
    /// Memory that stays in memory.
    MemoryLocks,
    /// The mask of file modes.
    Mask,
    /// The working directory.
    Directory,
    /// Policies, priorities and processors.
    Scheduling,
    /// Names of threads.
    Name,
    /// How late timers may be.
    Slack,
    /// What else `prctl` and `personality` set.
    Settings,
    /// Alternate signal stacks.
    AlternateStack,
    /// Timers of `setitimer` and `alarm`.
    IntervalTimers,
    /// Timers of `timer_create`.
    PosixTimers,
    /// The number that the next of those gets.
    TimerNumbers,
    /// What is written as a file under `/proc`.
    Written,
    /// Timers behind descriptors, which `descriptors` puts back.
    TimerDescriptors,
}

/// A set of kinds, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Kinds(u32);

impl Kinds {
    fn has(self, kind: Kind) -> bool {
        self.0 & 1 << kind as u32 != 0
    }
}

/// What a request set.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    kinds: Kinds,
    /// POSIX timers that it named.
    timers: Vec<i32>,
    /// Threads that may have another alternate stack; none: any.
    threads: Vec<Tid>,
}

impl Touched {
    /// Everything, where no call is seen.
    pub(crate) fn all() -> Self {
        Self { kinds: Kinds(!0), ..Self::default() }
    }

    /// Adds what can be set by writing to files under `/proc`, of which no call tells.
    pub(crate) fn note_files(&mut self) {
        for kind in [Kind::Written, Kind::Name, Kind::Slack] {
            self.kinds.0 |= 1 << kind as u32;
        }
    }

    /// Books a call of a thread, on the timer that it names.
    pub(crate) fn note(&mut self, kind: Kind, caller: Tid, timer: i32) {
        self.kinds.0 |= 1 << kind as u32;
        match kind {
            Kind::PosixTimers if !self.timers.contains(&timer) => self.timers.push(timer),
            Kind::TimerNumbers => self.kinds.0 |= 1 << Kind::PosixTimers as u32,
            Kind::AlternateStack if !self.threads.contains(&caller) => self.threads.push(caller),
            _ => {}
        }
    }

    /// Signals were delivered, for which the kernel may have taken alternate stacks away.
    pub(crate) fn note_delivery(&mut self) {
        self.kinds.0 |= 1 << Kind::AlternateStack as u32;
        self.threads.clear();
    }

    /// Nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.kinds.0 == 0
    }

    /// No call is seen, so that it may be anything.
    fn is_everything(&self) -> bool {
        self.kinds == Kinds(!0)
    }

    /// Whether it set some of this kind.
    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.kinds.has(kind)
    }
}

/// Whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    Process,
    EachThread,
}

/// A thread of the process, to read something of it or to put it back.
struct Place<'a> {
    process: &'a mut Process,
    anchor: Anchor,
    tid: Tid,
}

impl Place<'_> {
    /// A scope for calls of that thread.
    fn remote(&mut self) -> Step<Remote<'_>> {
        Remote::enter_thread(self.process, self.anchor, self.tid)
    }
}

/// What was read of one thread, or of the process by its first one.
#[derive(Debug, Default)]
struct Value {
    bytes: Vec<u8>,
    /// The folder that it stands for.
    folder: Option<OwnedFd>,
}

/// How one kind is read, compared and put back.
struct Row {
    kind: Kind,
    name: &'static str,
    scope: Scope,
    read: fn(&mut Place<'_>) -> Step<Vec<u8>>,
    /// How it is kept, where its bytes are not enough or are read in another way.
    keep: fn(&Row, &mut Place<'_>) -> Step<Value>,
    /// Whether it need not be put back: before, then what was found.
    unchanged: fn(&[u8], &[u8]) -> bool,
    /// Whether it has been put back.
    settled: fn(&[u8], &[u8]) -> bool,
    /// What it cannot do shows when it is read again.
    put_back: fn(&mut Place<'_>, &Value, &Touched) -> Step<()>,
}

const PLAIN: Row = Row {
    kind: Kind::Mask,
    name: "",
    scope: Scope::Process,
    read: by_procfs::nothing,
    keep: keep_bytes,
    unchanged: equal,
    settled: equal,
    put_back: by_procfs::leave,
};

/// In the order in which they are put back: first what would be in the way of the others.
const TABLE: [Row; 14] = [
    Row {
        kind: Kind::Dumpable,
        name: "dumpable flag",
        read: by_syscall::dumpable,
        put_back: by_syscall::set_dumpable,
        ..PLAIN
    },
    Row {
        kind: Kind::Limits,
        name: "limits",
        read: by_procfs::limits,
        put_back: by_procfs::set_limits,
        ..PLAIN
    },
    Row {
        kind: Kind::MemoryLocks,
        name: "locked memory",
        read: by_syscall::memory_locks,
        unchanged: by_syscall::never_locked,
        settled: by_syscall::same_locks,
        put_back: by_syscall::unlock_memory,
        ..PLAIN
    },
    Row {
        kind: Kind::Mask,
        name: "umask",
        scope: Scope::EachThread,
        read: by_procfs::mask,
        put_back: by_procfs::set_mask,
        ..PLAIN
    },
    Row {
        kind: Kind::Directory,
        name: "working directory",
        read: by_procfs::directory,
        keep: by_procfs::keep_directory,
        put_back: by_procfs::set_directory,
        ..PLAIN
    },
    Row {
        kind: Kind::Scheduling,
        name: "scheduling",
        scope: Scope::EachThread,
        read: by_procfs::scheduling,
        put_back: by_procfs::set_scheduling,
        ..PLAIN
    },
    Row {
        kind: Kind::Name,
        name: "name",
        scope: Scope::EachThread,
        read: by_procfs::name,
        put_back: by_procfs::set_name,
        ..PLAIN
    },
    Row {
        kind: Kind::Slack,
        name: "timer slack",
        scope: Scope::EachThread,
        read: by_syscall::slack,
        put_back: by_syscall::set_slack,
        ..PLAIN
    },
    Row {
        kind: Kind::Settings,
        name: "prctl settings",
        scope: Scope::EachThread,
        read: by_syscall::settings,
        put_back: by_syscall::set_settings,
        ..PLAIN
    },
    Row {
        kind: Kind::AlternateStack,
        name: "alternate signal stack",
        scope: Scope::EachThread,
        read: by_syscall::alternate_stack,
        put_back: by_syscall::set_alternate_stack,
        ..PLAIN
    },
    Row {
        kind: Kind::IntervalTimers,
        name: "interval timers",
        read: timers::intervals,
        unchanged: timers::unchanged,
        settled: timers::settled,
        put_back: timers::set_intervals,
        ..PLAIN
    },
    Row {
        kind: Kind::PosixTimers,
        name: "POSIX timers",
        read: timers::posix,
        unchanged: timers::unchanged,
        settled: timers::settled,
        put_back: timers::set_posix,
        ..PLAIN
    },
    // After those, whose numbers have to be free.
    Row {
        kind: Kind::TimerNumbers,
        name: "next timer's number",
        keep: timers::keep_number,
        unchanged: never,
        settled: always,
        put_back: timers::set_number,
        ..PLAIN
    },
    Row {
        kind: Kind::Written,
        name: "settings under /proc",
        read: by_procfs::written,
        put_back: by_procfs::write,
        ..PLAIN
    },
];

fn equal(before: &[u8], now: &[u8]) -> bool {
    before == now
}

fn never(_: &[u8], _: &[u8]) -> bool {
    false
}

fn always(_: &[u8], _: &[u8]) -> bool {
    true
}

fn keep_bytes(row: &Row, place: &mut Place<'_>) -> Step<Value> {
    Ok(Value { bytes: (row.read)(place)?, folder: None })
}

/// All of it, as it was.
#[derive(Debug)]
pub(crate) struct KernelState {
    /// For each row, by thread; what could not be read has no value.
    kept: Vec<Vec<(Tid, Option<Value>)>>,
    /// A thread has an alternate stack that the kernel takes away while a handler runs (`SS_AUTODISARM`).
    pub(crate) disarms_stacks: bool,
}

impl KernelState {
    /// Reads it from a stopped process. Uses the dead part of its stack.
    pub(crate) fn save(process: &mut Process, anchor: Anchor) -> Step<Self> {
        let mut kept = Vec::with_capacity(TABLE.len());
        for row in &TABLE {
            let mut values = Vec::new();
            // Of one that was attached to, nobody sees the calls that this is for.
            if row.kind == Kind::TimerNumbers && !process.spawned {
                kept.push(values);
                continue;
            }
            for tid in threads(process, row.scope)? {
                let value = match (row.keep)(row, &mut Place { process, anchor, tid }) {
                    Ok(value) => Some(value),
                    Err(Trouble::Refused(..)) => None,
                    Err(gone) => return Err(gone),
                };
                values.push((tid, value));
            }
            kept.push(values);
        }
        let stacks = TABLE.iter().zip(&kept).filter(|(row, _)| row.kind == Kind::AlternateStack);
        let mut stacks = stacks.flat_map(|(_, values)| values).filter_map(|(_, value)| value.as_ref());
        let disarms_stacks = stacks.any(|value| by_syscall::is_disarmed_by_handlers(&value.bytes));
        Ok(Self { kept, disarms_stacks })
    }

    /// Puts back what a request set, and refuses what is not as it was afterwards. Uses the dead part of the stack.
    pub(crate) fn revert(
        &self,
        process: &mut Process,
        anchor: Anchor,
        touched: &Touched,
        report: &mut RestoreReport,
    ) -> Step<()> {
        for (row, values) in TABLE.iter().zip(&self.kept).filter(|(row, _)| touched.has(row.kind)) {
            for (tid, value) in values {
                if row.kind == Kind::AlternateStack
                    && !touched.threads.is_empty()
                    && !touched.threads.contains(tid)
                {
                    continue;
                }
                let value = value.as_ref().ok_or_else(|| refused(row, *tid, "cannot be read"))?;
                let place = &mut Place { process, anchor, tid: *tid };
                let now = (row.read)(place)?;
                let looks_same =
                    touched.is_everything() && (value.bytes == now || (row.settled)(&value.bytes, &now));
                if looks_same || (row.unchanged)(&value.bytes, &now) {
                    continue;
                }
                (row.put_back)(place, value, touched)?;
                if !(row.settled)(&value.bytes, &(row.read)(place)?) {
                    return Err(refused(row, *tid, "cannot be put back"));
                }
                report.attributes_reverted += 1;
            }
        }
        Ok(())
    }
}

fn threads(process: &Process, scope: Scope) -> Step<Vec<Tid>> {
    Ok(match scope {
        Scope::Process => vec![process.main_thread()?],
        Scope::EachThread => process.threads().collect(),
    })
}

fn refused(row: &Row, tid: Tid, why: &str) -> Trouble {
    let whose = if row.scope == Scope::EachThread { format!(" of thread {tid}") } else { String::new() };
    Trouble::Refused(Reason::KernelState, format!("the request changed its {}{whose}, which {why}", row.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_but_that_of_descriptors_has_one_row() {
        let mut kinds: Vec<u32> = TABLE.iter().map(|row| row.kind as u32).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, (0..Kind::TimerDescriptors as u32).collect::<Vec<_>>());
    }

    #[test]
    fn what_was_touched_is_a_set() {
        let mut touched = Touched::default();
        assert!(touched.is_empty() && !touched.has(Kind::Mask));
        touched.note(Kind::Mask, Tid(1), 0);
        touched.note(Kind::TimerNumbers, Tid(1), 0);
        assert!(touched.has(Kind::Mask) && touched.has(Kind::PosixTimers) && !touched.has(Kind::Limits));
        assert_eq!((touched.timers, touched.threads), (vec![], vec![]));
    }
}
