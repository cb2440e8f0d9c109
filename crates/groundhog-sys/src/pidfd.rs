//! `pidfd_open(2)`, `pidfd_getfd(2)`, `pidfd_send_signal(2)`.

use crate::kernel_types::{Errno, Result, Tid, check};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, Signal};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// `pidfd_open`: a descriptor that names the process, and is readable once it has ended.
///
/// # Errors
/// `ESRCH` when there is no such process.
pub fn open(pid: Tid) -> Result<OwnedFd> {
    let pid = Pid::from_raw(pid.0).ok_or(Errno(libc::ESRCH))?;
    Ok(rustix::process::pidfd_open(pid, PidfdFlags::empty())?)
}

/// `pidfd_open`: likewise a single thread (Linux 6.9).
///
/// # Errors
/// `EINVAL` on kernels that cannot do that, `ESRCH` when there is no such thread.
pub fn open_thread(tid: Tid) -> Result<OwnedFd> {
    const PIDFD_THREAD: u32 = libc::O_EXCL as u32;
    let pid = Pid::from_raw(tid.0).ok_or(Errno(libc::ESRCH))?;
    Ok(rustix::process::pidfd_open(pid, PidfdFlags::from_bits_retain(PIDFD_THREAD))?)
}

/// `SO_PEERPIDFD` (Linux 6.5): the process at the other end of a Unix socket, as [`crate::socket::peer_process`] tells its number.
///
/// # Errors
/// `ENOPROTOOPT` on kernels that cannot do that, `ENODATA` where there is none; others where it is gone.
pub fn of_peer(socket: impl AsFd) -> Result<OwnedFd> {
    const SO_PEERPIDFD: i32 = 77;
    let mut number = -1_i32;
    let mut len = size_of::<i32>() as libc::socklen_t;
    let to = (&raw mut number).cast();
    // SAFETY: the kernel writes at most `len` bytes, the size of `number`, and the new length. unix(7).
    check(i64::from(unsafe {
        libc::getsockopt(socket.as_fd().as_raw_fd(), libc::SOL_SOCKET, SO_PEERPIDFD, to, &raw mut len)
    }))?;
    // SAFETY: the kernel has just opened it for us, close-on-exec, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// `pidfd_getfd`: a duplicate of descriptor `fd` of the process, close-on-exec.
///
/// # Errors
/// `EBADF` when the process has no such descriptor, `EPERM` when this process may not trace it.
pub fn duplicate_fd(pidfd: impl AsFd, fd: i32) -> Result<OwnedFd> {
    Ok(rustix::process::pidfd_getfd(pidfd, fd, PidfdGetfdFlags::empty())?)
}

/// `pidfd_send_signal` of `SIGKILL`.
///
/// # Errors
/// `ESRCH` when it has ended already.
pub fn kill(pidfd: impl AsFd) -> Result<()> {
    Ok(rustix::process::pidfd_send_signal(pidfd, Signal::KILL)?)
}

/// `pidfd_send_signal` of `SIGSTOP` to the first thread alone (Linux 6.9), which its tracer sees before it does.
///
/// # Errors
/// `EINVAL` on kernels that cannot do that, `ESRCH` when the process has ended already.
pub fn ring_first_thread(pidfd: impl AsFd) -> Result<()> {
    const PIDFD_SIGNAL_THREAD: libc::c_uint = 1;
    let no_details = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: pidfd_send_signal(2) takes a borrowed descriptor, two numbers, and no details of the signal; it writes no
    // memory of ours.
    check(unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_fd().as_raw_fd(),
            libc::SIGSTOP,
            no_details,
            PIDFD_SIGNAL_THREAD,
        )
    })
    .map(drop)
}

/// `pidfd_send_signal` of `SIGSTOP` to a whole process, which its tracer sees before it does.
///
/// # Errors
/// `ESRCH` when it has ended already.
pub fn ring(pidfd: impl AsFd) -> Result<()> {
    Ok(rustix::process::pidfd_send_signal(pidfd, Signal::STOP)?)
}

/// `pidfd_send_signal` of `SIGCONT`, which takes back a [`ring`] that came when nobody traced the process any more.
///
/// # Errors
/// `ESRCH` when it has ended already.
pub fn take_back_ring(pidfd: impl AsFd) -> Result<()> {
    Ok(rustix::process::pidfd_send_signal(pidfd, Signal::CONT)?)
}

/// `poll`: whether the process has ended, reaped or not.
#[must_use]
pub fn has_ended(pidfd: &std::os::fd::OwnedFd) -> bool {
    crate::fcntl::readable(std::iter::once(pidfd)).is_ok_and(|ended| ended[0])
}

/// `kill` of `SIGKILL` by number, for a child that the calling thread has not reaped.
///
/// # Errors
/// `ESRCH` when it has ended already.
pub fn kill_by_id(pid: Tid) -> Result<()> {
    let pid = Pid::from_raw(pid.0).ok_or(Errno(libc::ESRCH))?;
    Ok(rustix::process::kill_process(pid, Signal::KILL)?)
}
