//! Signals: what a request made of their actions is set back, and those that wait to be delivered are dropped.

use crate::arch::call;
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::trace::inspect;
use crate::trace::process::Process;
use crate::trace::remote_syscall::{Anchor, Remote};
use groundhog_sys::{Tid, ptrace};

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
#[derive(Debug)]
pub(crate) struct Actions {
    /// That of signal n at n-1; none for those that cannot be set.
    table: Vec<Option<Action>>,
}

impl Actions {
    /// Asks for all of them. Uses the dead part of the stack.
    pub(crate) fn save(remote: &mut Remote<'_>) -> Step<Self> {
        let mut table = Vec::with_capacity(LAST as usize);
        for signal in 1..=LAST {
            let room = remote.put(&[0; 32])?;
            let asked = remote.call(call::RT_SIGACTION, [signal, 0, room.0, SET_SIZE, 0, 0])?;
            let mut action = [0; 32];
            remote.get(room, &mut action)?;
            table.push((asked.is_ok() && !FIXED.contains(&signal)).then_some(action));
        }
        Ok(Self { table })
    }

    /// Sets those of `signals` (bit n-1 for signal n) back.
    pub(crate) fn revert(&self, process: &mut Process, anchor: Anchor, signals: u64) -> Step<()> {
        let mut remote = Remote::enter(process, anchor)?;
        for signal in (1..=LAST).filter(|signal| signals >> (signal - 1) & 1 == 1) {
            if let Some(action) = &self.table[signal as usize - 1] {
                let room = remote.put(action)?;
                remote.must("rt_sigaction", call::RT_SIGACTION, [signal, room.0, 0, SET_SIZE, 0, 0])?;
            }
        }
        Ok(())
    }
}

/// More than any queue holds by default (`RLIMIT_SIGPENDING` is per user; this is a bound, not a guess).
const MOST: u64 = 100_000;

/// Whether a stopped process has signals pending, for itself or for one of its threads.
///
/// `closely`: also those that the kernel noted without a place in a queue, when the queue was full.
pub(crate) fn any_pending(process: &Process, closely: bool) -> Step<bool> {
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
pub(crate) fn drop_pending(process: &mut Process, anchor: Anchor, closely: bool) -> Step<u64> {
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
