//! Signals: what a request made of their actions is set back, and those that wait to be delivered are dropped.

use super::timers;
use crate::arch::call;
use crate::component::{Component, Restore, Stopped};
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::trace::inspect;
use crate::trace::process::{Process, TELL_FAULTS};
use crate::trace::remote_syscall::{Anchor, Remote};
use groundhog_sys::{RemoteAddr, Tid, ptrace};

/// `struct kernel_sigaction`: handler, flags, restorer, mask.
type Action = [u8; 32];

const SIGSTOP: u64 = 19;
/// `SIGKILL` and `SIGSTOP`, whose actions can be asked for but not set.
const FIXED: [u64; 2] = [9, SIGSTOP];
/// The highest signal number.
const LAST: u64 = 64;
/// Bytes in the kernel's signal set.
const SET_SIZE: u64 = 8;

/// What the process does upon each signal.
#[derive(Clone, Debug)]
pub(crate) struct Actions {
    /// That of signal n at n-1; none for those that cannot be set.
    table: Vec<Option<Action>>,
}

impl Actions {
    /// Asks for all of them.
    pub(crate) fn save(remote: &mut Remote<'_>) -> Step<Self> {
        const ROOM: usize = size_of::<Action>();
        let mut told = [0; ROOM * LAST as usize];
        let RemoteAddr(room) = remote.scratch(told.len() as u64)?;
        let ask =
            |signal| (call::RT_SIGACTION, [signal, 0, room + (signal - 1) * ROOM as u64, SET_SIZE, 0, 0]);
        let asked = remote.call_all(&(1..=LAST).map(ask).collect::<Vec<_>>())?;
        remote.get(RemoteAddr(room), &mut told)?;
        let (actions, _) = told.as_chunks();
        let one = |((signal, asked), action): ((u64, &groundhog_sys::Result<u64>), &Action)| {
            (asked.is_ok() && !FIXED.contains(&signal)).then_some(*action)
        };
        Ok(Self { table: (1..).zip(&asked).zip(actions).map(one).collect() })
    }

    /// Sets those of the signals back that have a bit, n-1 for signal n.
    fn put_back(&self, remote: &mut Remote<'_>, signals: u64) -> Step<()> {
        let one = |signal: u64| self.table[signal as usize - 1].map(|action| (signal, action));
        set_all(remote, &signals_in(signals).filter_map(one).collect::<Vec<_>>())
    }

    /// Whether nothing happens upon a signal.
    fn ignore(&self, signal: u64) -> bool {
        const DEFAULT: u64 = 0;
        const IGNORE: u64 = 1;
        // SIGCHLD, SIGCONT, SIGURG, SIGWINCH
        const IGNORED_BY_DEFAULT: [u64; 4] = [17, 18, 23, 28];
        let action = self.table.get((signal as usize).wrapping_sub(1)).and_then(Option::as_ref);
        let handler = action.and_then(|action| action.first_chunk()).map(|bytes| u64::from_le_bytes(*bytes));
        handler == Some(IGNORE) || (handler == Some(DEFAULT) && IGNORED_BY_DEFAULT.contains(&signal))
    }
}

/// The signals n whose bits n-1 are set.
fn signals_in(set: u64) -> impl Iterator<Item = u64> {
    (1..=LAST).filter(move |signal| set >> (signal - 1) & 1 == 1)
}

fn set_all(remote: &mut Remote<'_>, actions: &[(u64, Action)]) -> Step<()> {
    let bytes: Vec<u8> = actions.iter().flat_map(|(_, action)| *action).collect();
    let RemoteAddr(room) = remote.put(&bytes)?;
    let places = (room..).step_by(size_of::<Action>());
    let set =
        |((signal, _), at): (&(u64, Action), u64)| (call::RT_SIGACTION, [*signal, at, 0, SET_SIZE, 0, 0]);
    remote.must_all("rt_sigaction", &actions.iter().zip(places).map(set).collect::<Vec<_>>())
}

impl Component for Actions {
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        // Bit n-1 for signal n.
        let signals = if restore.sees_calls { restore.observed.actions } else { !0 };
        if signals == 0 {
            return Ok(());
        }
        self.put_back(&mut restore.stopped.remote()?, signals)
    }

    fn difference(&mut self, stopped: &mut Stopped<'_>) -> Step<Option<String>> {
        let now = Self::save(&mut stopped.remote()?)?;
        let changed = self.table.iter().zip(&now.table).position(|(before, now)| before != now);
        Ok(changed.map(|at| format!("the action of signal {} changed", at + 1)))
    }
}

/// Signals that wait to be delivered. At the snapshot there are none.
#[derive(Debug)]
pub(crate) struct PendingSignals {
    actions: Actions,
    /// Those of timers that are ignored, bit n-1 for signal n. The kernel (Linux 6.13) keeps one that a timer had sent when it became
    /// ignored, and has it wait again once it is not.
    kept_of_timers: u64,
}

impl PendingSignals {
    /// Refuses a process in which some wait: they would be delivered, or found, once and never again.
    pub(crate) fn save(process: &Process, actions: &Actions) -> Step<Self> {
        if any_pending(process, true)? {
            let message = "it blocks signals that wait to be delivered; take them before the snapshot".into();
            return Err(Trouble::Refused(Reason::Signals, message));
        }
        let signals = timers::signals(process)?.into_iter().filter(|signal| actions.ignore(*signal));
        let kept_of_timers = signals.fold(0, |set, signal| set | 1 << (signal - 1));
        Ok(Self { actions: actions.clone(), kept_of_timers })
    }

    /// Has those wait that the kernel keeps of timers.
    fn release_kept(&self, remote: &mut Remote<'_>) -> Step<()> {
        // Nobody runs it: signals are blocked, and those that wait are taken.
        const SOME_HANDLER: u64 = 4096;
        let mut handled = [0; 32];
        handled[..8].copy_from_slice(&SOME_HANDLER.to_le_bytes());
        set_all(remote, &signals_in(self.kept_of_timers).map(|signal| (signal, handled)).collect::<Vec<_>>())
    }
}

/// The threads for which a signal waits that tells of a fault, and those signals, bit n-1 for signal n.
///
/// A thread may have faulted just when it was to be stopped. Where such a signal is blocked or ignored, the kernel has set its
/// action to the default one.
fn waiting_faults(process: &Process) -> Step<Vec<(Tid, u64)>> {
    let faults = TELL_FAULTS.iter().fold(0, |set, signal| set | 1 << (signal - 1));
    let mut found = Vec::new();
    for tid in process.threads() {
        let waiting = inspect::status(process.pid, tid)?.sig_pnd & faults;
        if waiting != 0 {
            found.push((tid, waiting));
        }
    }
    Ok(found)
}

impl Component for PendingSignals {
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        let closely = restore.observed.signalled || restore.had_children || !restore.sees_calls;
        if self.kept_of_timers != 0 {
            self.release_kept(&mut restore.stopped.remote()?)?;
        }
        let Stopped { process, anchor } = &mut restore.stopped;
        if any_pending(process, closely)? {
            for (tid, signals) in waiting_faults(process)? {
                process.note_untold_faults(tid, signals);
            }
            restore.report.signals_dropped = drop_pending(process, *anchor, closely)?;
        }
        let changed = self.kept_of_timers | process.take_untold_faults();
        if changed == 0 { Ok(()) } else { self.actions.put_back(&mut restore.stopped.remote()?, changed) }
    }

    fn difference(&mut self, stopped: &mut Stopped<'_>) -> Step<Option<String>> {
        Ok(any_pending(stopped.process, true)?.then(|| "signals wait to be delivered".to_owned()))
    }
}

/// More than any queue holds by default (`RLIMIT_SIGPENDING` is per user; this is a bound, not a guess).
const MOST: u64 = 100_000;

/// Whether a stopped process has signals pending, for itself or for one of its threads.
///
/// `closely`: also those that the kernel noted without a place in a queue, when the queue was full.
fn any_pending(process: &Process, closely: bool) -> Step<bool> {
    let main = process.main_thread()?;
    if has_queued(main, true)? || (closely && told_pending(process.pid, main)?) {
        return Ok(true);
    }
    for tid in process.threads() {
        if has_pending(process, tid, closely)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn has_pending(process: &Process, tid: Tid, closely: bool) -> Step<bool> {
    Ok(has_queued(tid, false)? || (closely && told_pending(process.pid, tid)?))
}

fn has_queued(tid: Tid, of_process: bool) -> Step<bool> {
    ptrace::has_pending_signal(tid, of_process).or_trouble(Reason::Signals, "asking for pending signals")
}

/// Whether its status shows a pending signal, of the process or of the thread. The doorbell is none.
fn told_pending(pid: Tid, tid: Tid) -> Step<bool> {
    let status = inspect::status(pid, tid)?;
    Ok((status.sig_pnd | status.shd_pnd) & !(1 << (SIGSTOP - 1)) != 0)
}

/// Takes every pending signal of the process and of its threads; says how many those were.
fn drop_pending(process: &mut Process, anchor: Anchor, closely: bool) -> Step<u64> {
    let mut dropped = 0;
    let first = process.main_thread()?;
    for tid in process.threads().collect::<Vec<_>>() {
        // The first one's are taken with the process's.
        if tid != first && !has_pending(process, tid, closely)? {
            continue;
        }
        let mut remote = Remote::enter_thread(process, anchor, tid)?;
        // The set of all signals, then a time-out of nothing.
        let mut arguments = [0_u8; 24];
        arguments[..8].fill(0xff);
        let set = remote.put(&arguments)?;
        while remote.call(call::RT_SIGTIMEDWAIT, [set.0, 0, set.0 + 8, 8, 0, 0])?.is_ok() {
            dropped += 1;
            if dropped > MOST {
                return Err(Trouble::Refused(Reason::Signals, "its pending signals do not end".into()));
            }
        }
    }
    if any_pending(process, closely)? {
        return Err(Trouble::Refused(Reason::Signals, "a thread has signals pending".into()));
    }
    Ok(dropped)
}
