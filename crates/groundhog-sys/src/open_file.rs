//! What can be set on an open file through any descriptor for it: locks, signals, timers, and passing it on.

use crate::kernel_types::{Result, check};
use rustix::fs::{FlockOperation, OFlags};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Most descriptors in one message (`SCM_MAX_FD`).
pub const MAX_PASSED: usize = 253;

/// Gives up what locks an open file holds as such: those of flock(2), open file description locks, leases.
///
/// What it does not hold is no error; what is left afterwards is told by `/proc/PID/fdinfo`.
pub fn unlock(fd: impl AsFd) {
    let fd = fd.as_fd();
    let _none = rustix::fs::flock(fd, FlockOperation::NonBlockingUnlock);
    let whole = libc::flock {
        l_type: libc::F_UNLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    // SAFETY: F_OFD_SETLK reads one structure, which lives for the call. fcntl(2).
    let _none = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_OFD_SETLK, &raw const whole) };
    // SAFETY: F_SETLEASE takes a number. fcntl(2).
    let _none = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK) };
}

/// `F_SETOWN_EX` of nobody, as this type of owner: no process is told of input.
///
/// # Errors
/// As fcntl(2).
pub fn disown(fd: impl AsFd, owner_type: i32) -> Result<()> {
    const F_SETOWN_EX: i32 = 15; // asm-generic/fcntl.h
    let nobody = [owner_type, 0];
    // SAFETY: F_SETOWN_EX reads a type and a process id, two numbers that live for the call. fcntl(2).
    check(i64::from(unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), F_SETOWN_EX, &raw const nobody) })).map(drop)
}

/// `F_SETSIG`: the signal that tells of input, 0 for `SIGIO`.
///
/// # Errors
/// As fcntl(2).
pub fn set_signal(fd: impl AsFd, signal: i32) -> Result<()> {
    const F_SETSIG: i32 = 10; // asm-generic/fcntl.h
    // SAFETY: F_SETSIG takes a number. fcntl(2).
    check(i64::from(unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), F_SETSIG, signal) })).map(drop)
}

/// `F_SETPIPE_SZ`: how much a pipe holds.
///
/// # Errors
/// `EBUSY` when more than that is in it, `EPERM` above the user's limits.
pub fn set_pipe_size(fd: impl AsFd, size: i32) -> Result<()> {
    // SAFETY: F_SETPIPE_SZ takes a number. fcntl(2).
    check(i64::from(unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), libc::F_SETPIPE_SZ, size) })).map(drop)
}

/// What a timer behind a descriptor is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Seconds and nanoseconds until it goes off; both 0 when it is not armed.
    pub left: (i64, i64),
    /// Seconds and nanoseconds between later times; both 0 for none.
    pub interval: (i64, i64),
}

/// `timerfd_gettime`
///
/// # Errors
/// `EINVAL` for what is no timer.
pub fn timer(fd: impl AsFd) -> Result<Timer> {
    let now = rustix::time::timerfd_gettime(fd)?;
    let pair = |time: Timespec| (time.tv_sec, time.tv_nsec);
    Ok(Timer { left: pair(now.it_value), interval: pair(now.it_interval) })
}

/// `timerfd_settime`; `flags` are kept by the kernel with the timer.
///
/// # Errors
/// As `timerfd_settime(2)`.
pub fn set_timer(fd: impl AsFd, flags: u32, timer: Timer) -> Result<()> {
    let time = |(tv_sec, tv_nsec)| Timespec { tv_sec, tv_nsec };
    let new = Itimerspec { it_value: time(timer.left), it_interval: time(timer.interval) };
    rustix::time::timerfd_settime(fd, TimerfdTimerFlags::from_bits_retain(flags), &new)?;
    Ok(())
}

/// Opens what is at a path only to look at it (`O_PATH`): without leave to read it, and without its own doing.
///
/// # Errors
/// As open(2).
pub fn open_path(path: impl AsRef<Path>) -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path.as_ref(), flags, rustix::fs::Mode::empty())?)
}

/// Which mount a path leads to: its number, 0 on kernels that do not tell (before Linux 5.8).
///
/// # Errors
/// As statx(2).
pub fn mount_of(path: impl AsRef<Path>) -> Result<u64> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    // Without a word to a server that may be gone.
    let local = AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
    let found = statx(CWD, path.as_ref(), local, StatxFlags::MNT_ID)?;
    Ok(if found.stx_mask & StatxFlags::MNT_ID.bits() == 0 { 0 } else { found.stx_mnt_id })
}

/// Sends one byte with descriptors (`SCM_RIGHTS`, unix(7)); at most [`MAX_PASSED`].
///
/// # Errors
/// As sendmsg(2).
pub fn pass(socket: impl AsFd, fds: &[BorrowedFd<'_>]) -> Result<()> {
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_PASSED))];
    let mut control = SendAncillaryBuffer::new(&mut room);
    if !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(crate::Errno(libc::EINVAL));
    }
    let byte = [rustix::io::IoSlice::new(b"f")];
    rustix::net::sendmsg(socket, &byte, &mut control, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory_file() -> OwnedFd {
        rustix::fs::memfd_create("test", rustix::fs::MemfdFlags::CLOEXEC).expect("a file in memory")
    }

    #[test]
    fn a_lock_is_given_up_through_a_duplicate() {
        let file = memory_file();
        let again = || {
            let path = format!("/proc/self/fd/{}", file.as_raw_fd());
            std::fs::File::options().read(true).write(true).open(path).expect("another opening")
        };
        let try_lock = |fd: &std::fs::File| rustix::fs::flock(fd, FlockOperation::NonBlockingLockExclusive);
        assert_eq!(rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive), Ok(()));
        assert!(try_lock(&again()).is_err());
        unlock(file.try_clone().expect("it can be duplicated"));
        assert_eq!(try_lock(&again()), Ok(()));
    }

    #[test]
    fn settings_are_set_back() {
        use crate::fcntl;
        let (reading, _writing) = fcntl::pipe().expect("a pipe");
        let before = fcntl::settings(&reading);
        assert_eq!((set_pipe_size(&reading, 8192), set_signal(&reading, 10)), (Ok(()), Ok(())));
        assert_ne!(fcntl::settings(&reading), before);
        let back = (set_pipe_size(&reading, before.pipe_size), set_signal(&reading, before.signal));
        assert_eq!((back, disown(&reading, before.owner_type)), ((Ok(()), Ok(())), Ok(())));
        assert_eq!(fcntl::settings(&reading), before);
    }

    #[test]
    fn a_descriptor_that_is_passed_is_the_same_open_file() {
        use rustix::net::{AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
        use rustix::net::{SocketFlags, SocketType};
        let (here, there) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
                .expect("a pair of sockets");
        let file = memory_file();
        assert_eq!(pass(&here, &[file.as_fd()]), Ok(()));
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut room);
        let mut byte = [0];
        let into = &mut [rustix::io::IoSliceMut::new(&mut byte)];
        rustix::net::recvmsg(&there, into, &mut control, RecvFlags::empty()).expect("a message");
        let got: Vec<OwnedFd> = control
            .drain()
            .flat_map(|message| match message {
                RecvAncillaryMessage::ScmRights(fds) => fds.collect(),
                _ => Vec::new(),
            })
            .collect();
        let own = crate::Tid(rustix::process::getpid().as_raw_nonzero().get());
        assert_eq!(got.len(), 1);
        assert_eq!(crate::kcmp::same_open_file(own, got[0].as_raw_fd(), file.as_fd()), Ok(true));
    }
}
