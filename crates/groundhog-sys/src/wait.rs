//! `waitid(2)`: the raw status of a traced thread, made an enum once, here.

use crate::kernel_types::{Errno, Result, Tid, check};
use std::mem::MaybeUninit;

/// What happened to a traced thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitStatus {
    /// It ended by itself with this code.
    Exited(i32),
    /// A signal killed it.
    Killed(i32),
    /// It is about to receive this signal.
    Signal(i32),
    /// It stopped at the entry or exit of a system call (`PTRACE_SYSCALL`).
    Syscall,
    /// A `PTRACE_EVENT_*` inside a system call: clone, fork, vfork or exec.
    Event(i32),
    /// `PTRACE_EVENT_STOP` by `PTRACE_INTERRUPT`, or the first stop of a new thread.
    Stop,
    /// `PTRACE_EVENT_STOP` of a group-stop by this signal.
    GroupStop(i32),
}

/// Whether to wait for an event or only ask for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Block until something happens.
    Wait,
    /// Come back at once.
    Poll,
}

/// Waits for the next event of any child or tracee of the *calling thread*.
///
/// Returns `None` when polling found nothing, or when a wait was interrupted (see [`crate::tick`]).
///
/// # Errors
/// `ECHILD` when the calling thread has neither children nor tracees.
///
/// # References
/// waitid(2), `__WNOTHREAD` and `__WALL`; ptrace(2), "Stopped states".
pub fn any(patience: Patience) -> Result<Option<(Tid, WaitStatus)>> {
    wait(libc::P_ALL, 0, patience)
}

/// Waits for the next event of one thread.
///
/// # Errors
/// `ECHILD` when it is neither child nor tracee of the calling thread.
pub fn one(tid: Tid) -> Result<WaitStatus> {
    loop {
        if let Some((_, status)) = wait(libc::P_PID, tid.0 as u32, Patience::Wait)? {
            return Ok(status);
        }
    }
}

fn wait(kind: libc::idtype_t, id: libc::id_t, patience: Patience) -> Result<Option<(Tid, WaitStatus)>> {
    let mut options = libc::WEXITED | libc::WSTOPPED | libc::__WALL | libc::__WNOTHREAD;
    if patience == Patience::Poll {
        options |= libc::WNOHANG;
    }
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: `info` is writable memory of the structure's size; waitid(2) writes nothing else.
    match check(unsafe { i64::from(libc::waitid(kind, id, info.as_mut_ptr(), options)) }) {
        Err(Errno(libc::EINTR)) => return Ok(None),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    // SAFETY: all bytes were zero, and waitid(2) filled the fields that it defines.
    let info = unsafe { info.assume_init() };
    // SAFETY: waitid(2) defines si_pid and si_status for every event; zero when polling found none.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    if pid == 0 {
        return Ok(None);
    }
    Ok(Some((Tid(pid), decode(info.si_code, status))))
}

/// The stop that the kernel describes by a signal and its code: with the event in the code, if it is one (`ptrace_notify` in
/// kernel/signal.c).
pub(crate) fn of_signal(signal: i32, code: i32) -> WaitStatus {
    let is_event = code > 0xff || code == libc::SIGTRAP | 0x80;
    decode(libc::CLD_TRAPPED, if is_event { code } else { signal })
}

fn decode(code: i32, status: i32) -> WaitStatus {
    match code {
        libc::CLD_EXITED => WaitStatus::Exited(status),
        libc::CLD_KILLED | libc::CLD_DUMPED => WaitStatus::Killed(status),
        _ => {
            let (signal, event) = (status & 0xff, status >> 8);
            match event {
                0 if signal == libc::SIGTRAP | 0x80 => WaitStatus::Syscall,
                0 => WaitStatus::Signal(signal),
                libc::PTRACE_EVENT_STOP if signal == libc::SIGTRAP => WaitStatus::Stop,
                libc::PTRACE_EVENT_STOP => WaitStatus::GroupStop(signal),
                other => WaitStatus::Event(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_statuses_become_the_right_case() {
        let trapped = libc::CLD_TRAPPED;
        assert_eq!(decode(libc::CLD_EXITED, 3), WaitStatus::Exited(3));
        assert_eq!(decode(libc::CLD_DUMPED, libc::SIGSEGV), WaitStatus::Killed(libc::SIGSEGV));
        assert_eq!(decode(trapped, libc::SIGSTOP), WaitStatus::Signal(libc::SIGSTOP));
        assert_eq!(decode(trapped, libc::SIGTRAP | 0x80), WaitStatus::Syscall);
        let event = |event: i32, signal: i32| decode(trapped, (event << 8) | signal);
        assert_eq!(
            event(libc::PTRACE_EVENT_CLONE, libc::SIGTRAP),
            WaitStatus::Event(libc::PTRACE_EVENT_CLONE)
        );
        assert_eq!(event(libc::PTRACE_EVENT_STOP, libc::SIGTRAP), WaitStatus::Stop);
        assert_eq!(event(libc::PTRACE_EVENT_STOP, libc::SIGTSTP), WaitStatus::GroupStop(libc::SIGTSTP));
    }

    #[test]
    fn what_describes_a_stop_becomes_the_same_case() {
        let at = |event: i32, signal: i32| of_signal(signal, (event << 8) | signal);
        assert_eq!(at(libc::PTRACE_EVENT_CLONE, libc::SIGTRAP), WaitStatus::Event(libc::PTRACE_EVENT_CLONE));
        assert_eq!(at(libc::PTRACE_EVENT_STOP, libc::SIGTRAP), WaitStatus::Stop);
        assert_eq!(at(libc::PTRACE_EVENT_STOP, libc::SIGTSTP), WaitStatus::GroupStop(libc::SIGTSTP));
        assert_eq!(of_signal(libc::SIGTRAP, libc::SIGTRAP | 0x80), WaitStatus::Syscall);
        assert_eq!(of_signal(libc::SIGTRAP, libc::TRAP_TRACE), WaitStatus::Signal(libc::SIGTRAP));
        assert_eq!(of_signal(libc::SIGSEGV, libc::SI_KERNEL), WaitStatus::Signal(libc::SIGSEGV));
        assert_eq!(of_signal(libc::SIGUSR1, libc::SI_QUEUE), WaitStatus::Signal(libc::SIGUSR1));
    }

    #[test]
    fn a_thread_without_children_is_told_so() {
        let answer = std::thread::spawn(|| any(Patience::Wait)).join().expect("the thread does not panic");
        assert_eq!(answer, Err(Errno(libc::ECHILD)));
    }
}
