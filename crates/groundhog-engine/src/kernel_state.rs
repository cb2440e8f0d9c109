//! What the kernel keeps of a process beside its memory and its descriptors: put back where a request set it.
//!
//! All of it is read at the snapshot. The calls that set it are seen (see `watch`), so that a request which makes none
//! pays nothing; after one that did, the kinds that it touched are put back, one row of the table each, and read again:
//! what is not as it was then is refused.

mod armed;
pub(crate) mod attributes;
mod by_procfs;
mod by_syscall;
mod held;
pub(crate) mod signals;
mod timers;

use crate::component::{Component, Restore, Stopped};
use crate::error::{Reason, Step, Trouble};
use crate::report::RestoreReport;
use crate::syscalls::observed::Touched;
use crate::syscalls::policy::StateKind;
use crate::trace::process::Process;
use crate::trace::remote_syscall::{Anchor, Remote};
pub(crate) use armed::ArmedTimers;
use groundhog_sys::Tid;
pub(crate) use held::OfHeld;
use held::Whose;
use std::os::fd::OwnedFd;
use std::rc::Rc;

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
    kind: StateKind,
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

impl Row {
    /// Whether a look at it tells of a difference; the number of the next timer shows only in a new one.
    fn is_compared(&self) -> bool {
        self.kind != StateKind::TimerNumbers
    }

    /// Whose it is, in words.
    fn of(&self, tid: Tid) -> String {
        if self.scope == Scope::EachThread { format!(" of thread {tid}") } else { String::new() }
    }
}

const PLAIN: Row = Row {
    kind: StateKind::Mask,
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
        kind: StateKind::Dumpable,
        name: "dumpable flag",
        read: by_syscall::dumpable,
        put_back: by_syscall::set_dumpable,
        ..PLAIN
    },
    Row {
        kind: StateKind::Limits,
        name: "limits",
        read: by_procfs::limits,
        put_back: by_procfs::set_limits,
        ..PLAIN
    },
    Row {
        kind: StateKind::MemoryLocks,
        name: "locked memory",
        read: by_syscall::memory_locks,
        unchanged: by_syscall::never_locked,
        settled: by_syscall::same_locks,
        put_back: by_syscall::unlock_memory,
        ..PLAIN
    },
    Row {
        kind: StateKind::Mask,
        name: "umask",
        scope: Scope::EachThread,
        read: by_procfs::mask,
        put_back: by_procfs::set_mask,
        ..PLAIN
    },
    Row {
        kind: StateKind::Directory,
        name: "working directory",
        read: by_procfs::directory,
        keep: by_procfs::keep_directory,
        put_back: by_procfs::set_directory,
        ..PLAIN
    },
    Row {
        kind: StateKind::Scheduling,
        name: "scheduling",
        scope: Scope::EachThread,
        read: by_procfs::scheduling,
        keep: by_procfs::keep_scheduling,
        unchanged: never,
        put_back: by_procfs::set_scheduling,
        ..PLAIN
    },
    Row {
        kind: StateKind::Name,
        name: "name",
        scope: Scope::EachThread,
        read: by_procfs::name,
        put_back: by_procfs::set_name,
        ..PLAIN
    },
    Row {
        kind: StateKind::Slack,
        name: "timer slack",
        scope: Scope::EachThread,
        read: by_syscall::slack,
        put_back: by_syscall::set_slack,
        ..PLAIN
    },
    Row {
        kind: StateKind::Settings,
        name: "prctl settings",
        scope: Scope::EachThread,
        read: by_syscall::settings,
        put_back: by_syscall::set_settings,
        ..PLAIN
    },
    Row {
        kind: StateKind::AlternateStack,
        name: "alternate signal stack",
        scope: Scope::EachThread,
        read: by_syscall::alternate_stack,
        put_back: by_syscall::set_alternate_stack,
        ..PLAIN
    },
    Row {
        kind: StateKind::IntervalTimers,
        name: "interval timers",
        read: timers::intervals,
        unchanged: timers::unchanged,
        settled: timers::settled,
        put_back: timers::set_intervals,
        ..PLAIN
    },
    Row {
        kind: StateKind::PosixTimers,
        name: "POSIX timers",
        read: timers::posix,
        unchanged: timers::unchanged,
        settled: timers::settled,
        put_back: timers::set_posix,
        ..PLAIN
    },
    // After those, whose numbers have to be free.
    Row {
        kind: StateKind::TimerNumbers,
        name: "next timer's number",
        keep: timers::keep_number,
        unchanged: never,
        settled: always,
        put_back: timers::set_number,
        ..PLAIN
    },
    Row {
        kind: StateKind::Written,
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
    /// A limit may be passed, and the kernel then raises it with no call that says so.
    limits_time: bool,
    /// Timers of these kinds were armed. They are put back whatever was seen: how much time is left would tell who set them.
    armed: Vec<StateKind>,
}

impl KernelState {
    /// Reads it from a stopped process.
    pub(crate) fn save(process: &mut Process, anchor: Anchor) -> Step<Self> {
        let mut kept = Vec::with_capacity(TABLE.len());
        for row in &TABLE {
            let mut values = Vec::new();
            for tid in threads(process, row.scope)? {
                let value = match (row.keep)(row, &mut Place { process, anchor, tid }) {
                    // Nobody sees whether one that was attached to makes timers: where it cannot be put back, it stays.
                    Ok(value) if !process.spawned && !row.is_compared() && value.bytes.is_empty() => continue,
                    Ok(value) => Some(value),
                    Err(Trouble::Refused(..)) => None,
                    Err(gone) => return Err(gone),
                };
                values.push((tid, value));
            }
            kept.push(values);
        }
        let stacks = TABLE.iter().zip(&kept).filter(|(row, _)| row.kind == StateKind::AlternateStack);
        let mut stacks = stacks.flat_map(|(_, values)| values).filter_map(|(_, value)| value.as_ref());
        let disarms_stacks = stacks.any(|value| by_syscall::is_disarmed_by_handlers(&value.bytes));
        let limits = TABLE.iter().zip(&kept).filter(|(row, _)| row.kind == StateKind::Limits);
        let mut limits = limits.flat_map(|(_, values)| values).filter_map(|(_, value)| value.as_ref());
        let limits_time = limits.any(|value| by_procfs::limits_time(&value.bytes));
        let is_armed = |(_, value): &(Tid, Option<Value>)| {
            value.as_ref().is_some_and(|value| timers::any_armed(&value.bytes))
        };
        let armed = TABLE.iter().zip(&kept).filter(|(row, values)| {
            matches!(row.kind, StateKind::IntervalTimers | StateKind::PosixTimers)
                && values.iter().any(is_armed)
        });
        let armed = armed.map(|(row, _)| row.kind).collect();
        Ok(Self { kept, disarms_stacks, limits_time, armed })
    }

    /// Whether timers are armed that send signals.
    pub(crate) fn has_timers_armed(&self) -> bool {
        !self.armed.is_empty()
    }

    /// Refuses a process that has passed a limit of time: put back, it would be raised again with the next tick.
    fn refuse_passed(&self, process: &mut Process, anchor: Anchor) -> Step<()> {
        for (row, values) in TABLE.iter().zip(&self.kept).filter(|(row, _)| row.kind == StateKind::Limits) {
            for (tid, value) in values {
                let now = (row.read)(&mut Place { process, anchor, tid: *tid })?;
                let same =
                    |value: &Value| by_procfs::time_limits(&value.bytes).eq(by_procfs::time_limits(&now));
                if !value.as_ref().is_some_and(same) {
                    let message =
                        "it has passed a limit of processor time, which the kernel has raised".into();
                    return Err(Trouble::Refused(Reason::KernelState, message));
                }
            }
        }
        Ok(())
    }

    /// Puts back what a request set, and refuses what is not as it was afterwards.
    fn put_back(
        &self,
        process: &mut Process,
        anchor: Anchor,
        touched: &Touched,
        whose: Whose<'_>,
        report: &mut RestoreReport,
    ) -> Step<()> {
        for (row, values) in TABLE.iter().zip(&self.kept).filter(|(row, _)| touched.has(row.kind)) {
            for (tid, value) in values.iter().filter(|(tid, _)| whose.has(row.scope, *tid)) {
                if row.kind == StateKind::AlternateStack
                    && !touched.threads.is_empty()
                    && !touched.threads.contains(tid)
                {
                    continue;
                }
                let value = value.as_ref().ok_or_else(|| refused(row, *tid, "cannot be read"))?;
                if row.kind == StateKind::PosixTimers {
                    timers::refuse_deleted(value, touched)?;
                }
                let place = &mut Place { process, anchor, tid: *tid };
                let now = (row.read)(place)?;
                let looks_same = touched.is_everything()
                    && row.is_compared()
                    && !self.armed.contains(&row.kind)
                    && (value.bytes == now || (row.settled)(&value.bytes, &now));
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

    /// Puts back what belongs to some.
    fn revert_of(&self, restore: &mut Restore<'_>, whose: Whose<'_>) -> Step<()> {
        let Restore { stopped, observed, sees_calls, report, .. } = restore;
        let Stopped { process, anchor } = stopped;
        if *sees_calls {
            if self.armed.is_empty() {
                if observed.touched.is_empty() {
                    return Ok(());
                }
                return self.put_back(process, *anchor, &observed.touched, whose, report);
            }
            let mut touched = observed.touched.clone();
            self.armed.iter().for_each(|kind| touched.note_kind(*kind));
            return self.put_back(process, *anchor, &touched, whose, report);
        }
        // Of a process that was attached to no call is seen: all of it is looked at, of every thread.
        self.put_back(process, *anchor, &Touched::all(), whose, report)
    }

    /// Sets the timers that were armed to the time that was left, after all else that takes time.
    fn arm_again(&self, stopped: &mut Stopped<'_>) -> Step<()> {
        let Stopped { process, anchor } = stopped;
        let armed = TABLE.iter().zip(&self.kept).filter(|(row, _)| self.armed.contains(&row.kind));
        for (row, values) in armed {
            for (tid, value) in values {
                let Some(value) = value else { continue };
                let place = &mut Place { process, anchor: *anchor, tid: *tid };
                (row.put_back)(place, value, &Touched::default())?;
            }
        }
        Ok(())
    }

    /// Timers, once more.
    pub(crate) fn armed_timers(self: &Rc<Self>) -> ArmedTimers {
        ArmedTimers::new(Rc::clone(self))
    }

    /// What is put back later.
    pub(crate) fn of_held(self: &Rc<Self>) -> OfHeld {
        OfHeld::new(Rc::clone(self))
    }
}

impl Component for Rc<KernelState> {
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        if restore.sees_calls && self.limits_time {
            self.refuse_passed(restore.stopped.process, restore.stopped.anchor)?;
        }
        self.revert_of(restore, Whose::AllBut(restore.held))
    }

    fn difference(&mut self, stopped: &mut Stopped<'_>) -> Step<Option<String>> {
        let Stopped { process, anchor } = stopped;
        for (row, values) in TABLE.iter().zip(&self.kept).filter(|(row, _)| row.is_compared()) {
            for (tid, value) in values {
                let Some(value) = value else { continue };
                let now = (row.read)(&mut Place { process, anchor: *anchor, tid: *tid })?;
                if !(row.settled)(&value.bytes, &now) {
                    return Ok(Some(format!("its {}{} changed", row.name, row.of(*tid))));
                }
            }
        }
        Ok(None)
    }
}

fn threads(process: &Process, scope: Scope) -> Step<Vec<Tid>> {
    Ok(match scope {
        Scope::Process => vec![process.main_thread()?],
        Scope::EachThread => process.threads().collect(),
    })
}

fn refused(row: &Row, tid: Tid, why: &str) -> Trouble {
    let message = format!("the request changed its {}{}, which {why}", row.name, row.of(tid));
    Trouble::Refused(Reason::KernelState, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_row() {
        let mut kinds: Vec<u32> = TABLE.iter().map(|row| row.kind as u32).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, (0..=StateKind::Written as u32).collect::<Vec<_>>());
    }
}
