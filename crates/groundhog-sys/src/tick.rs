//! A timer that interrupts the calling thread's waits, so that none of them lasts for ever.
//!
//! `waitid(2)` has no time limit, and a stop that another thread of the program has taken is never told again. So a
//! thread that waits like this is woken now and then, by a signal to itself alone whose handler does nothing.

use crate::kernel_types::{Errno, Result, check};
use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

/// A timer of the calling thread; it ends when this is dropped.
#[derive(Debug)]
pub struct Tick {
    timer: libc::timer_t,
    period: Duration,
}

// SAFETY: the kernel knows the timer by a number for the whole process; any thread may delete it. timer_delete(2).
unsafe impl Send for Tick {}

/// The signal: one of the highest, which nobody has a handler for. Several are tried.
fn candidates() -> impl Iterator<Item = i32> {
    (libc::SIGRTMIN()..=libc::SIGRTMAX()).rev().take(8)
}

extern "C" fn do_nothing(_: i32) {}

/// Takes a signal that has its default action, or has our handler already; answers its number.
fn take_signal() -> Result<i32> {
    let ours = do_nothing as extern "C" fn(i32) as libc::sighandler_t;
    for signal in candidates() {
        let mut before = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: with no new action, sigaction(2) only writes the present one to `before`.
        check(i64::from(unsafe { libc::sigaction(signal, ptr::null(), before.as_mut_ptr()) }))?;
        // SAFETY: all bytes were zero, and the kernel filled it.
        let handler = unsafe { before.assume_init() }.sa_sigaction;
        if handler == ours {
            return Ok(signal);
        }
        if handler == libc::SIG_DFL {
            // SAFETY: an action of zeros has no flags and an empty mask: no SA_RESTART, so that waits are interrupted. The
            // handler does nothing, which is safe at any moment. sigaction(2), signal-safety(7).
            unsafe {
                let mut action = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
                action.sa_sigaction = ours;
                check(i64::from(libc::sigaction(signal, &raw const action, ptr::null_mut())))?;
            }
            return Ok(signal);
        }
    }
    Err(Errno(libc::EBUSY))
}

impl Tick {
    /// Has the calling thread's waits interrupted every `period`.
    ///
    /// # Errors
    /// As `timer_create(2)`; `EBUSY` when the program has handlers for all the signals that this could use.
    pub fn start(period: Duration) -> Result<Self> {
        let signal = take_signal()?;
        let mut event = MaybeUninit::<libc::sigevent>::zeroed();
        let mut timer = ptr::null_mut();
        // SAFETY: a sigevent of zeros is a valid one; the fields say whom to signal, and how. The kernel writes the timer's
        // number to `timer`. timer_create(2).
        unsafe {
            let event = event.assume_init_mut();
            event.sigev_notify = libc::SIGEV_THREAD_ID;
            event.sigev_signo = signal;
            event.sigev_notify_thread_id = libc::gettid();
            check(i64::from(libc::timer_create(libc::CLOCK_MONOTONIC, event, &raw mut timer)))?;
        }
        let started = Self { timer, period };
        started.restart()?;
        // SAFETY: the set is initialised before it is used; pthread_sigmask changes this thread only.
        unsafe {
            let mut only = MaybeUninit::<libc::sigset_t>::zeroed();
            libc::sigemptyset(only.as_mut_ptr());
            libc::sigaddset(only.as_mut_ptr(), signal);
            libc::pthread_sigmask(libc::SIG_UNBLOCK, only.as_ptr(), ptr::null_mut());
        }
        Ok(started)
    }

    /// Has the next interruption come a whole period from now.
    ///
    /// # Errors
    /// As `timer_settime(2)`.
    pub fn restart(&self) -> Result<()> {
        let every = libc::timespec {
            tv_sec: self.period.as_secs().try_into().unwrap_or(libc::time_t::MAX),
            tv_nsec: self.period.subsec_nanos().into(),
        };
        let setting = libc::itimerspec { it_interval: every, it_value: every };
        // SAFETY: the timer is this one's; the kernel reads the setting. timer_settime(2).
        check(i64::from(unsafe { libc::timer_settime(self.timer, 0, &raw const setting, ptr::null_mut()) }))?;
        Ok(())
    }
}

impl Drop for Tick {
    fn drop(&mut self) {
        // SAFETY: the timer is this one's, and deleted once. timer_delete(2).
        unsafe { libc::timer_delete(self.timer) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::{self, Patience};

    #[test]
    fn a_wait_comes_back_without_an_event() {
        let waited = std::thread::spawn(|| {
            let _tick = Tick::start(Duration::from_millis(5)).expect("a signal is free");
            // SAFETY: the child only waits for a signal, and is killed. fork(2), pause(2).
            let child = unsafe { libc::fork() };
            if child == 0 {
                // SAFETY: as above.
                unsafe { libc::pause() };
            }
            let waited = wait::any(Patience::Wait);
            // SAFETY: the child is ours and not reaped yet.
            unsafe { libc::kill(child, libc::SIGKILL) };
            while !matches!(wait::any(Patience::Wait), Ok(Some(_))) {}
            waited
        });
        assert_eq!(waited.join().expect("the thread does not panic"), Ok(None));
    }
}
