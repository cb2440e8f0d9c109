//! What waits in pipes, eventfds and timers: looking at it without taking it, and putting it back.

use crate::fcntl;
use crate::kernel_types::{Errno, Result, check};
use rustix::io::retry_on_intr;
use rustix::pipe::{SpliceFlags, fcntl_getpipe_size, fcntl_setpipe_size, splice, tee};
use std::os::fd::{AsFd, AsRawFd};

/// `tee`: what a pipe holds, which stays in it. At most `limit` bytes.
///
/// # Errors
/// As tee(2); `EFBIG` when there is more.
pub fn pipe_contents(fd: impl AsFd, limit: usize) -> Result<Vec<u8>> {
    let fd = fd.as_fd();
    let expected = usize::try_from(rustix::io::ioctl_fionread(fd)?).unwrap_or(usize::MAX);
    if expected > limit {
        return Err(Errno(libc::EFBIG));
    }
    let (reader, writer) = fcntl::pipe()?;
    fcntl_setpipe_size(&writer, fcntl_getpipe_size(fd)?)?;
    let mut contents = vec![0; expected];
    if expected == 0 {
        return Ok(contents);
    }
    let count = retry_on_intr(|| tee(fd, &writer, expected, SpliceFlags::NONBLOCK))?;
    let mut at = 0;
    while at < count.min(expected) {
        at += rustix::io::read(&reader, &mut contents[at..])?;
    }
    contents.truncate(at);
    if at == expected { Ok(contents) } else { Err(Errno(libc::EAGAIN)) }
}

/// Fills a pipe, without waiting, whatever its flags are.
///
/// # Errors
/// As splice(2); `EAGAIN` when there is no room for all of it.
pub fn fill_pipe(fd: impl AsFd, bytes: &[u8]) -> Result<()> {
    let (reader, writer) = fcntl::pipe()?;
    for piece in bytes.chunks(PIPE_SIZE) {
        // Its own pipe takes all of it; from there it is moved, since a write to a pipe that may not block cannot be had.
        write_all(&writer, piece)?;
        let mut left = piece.len();
        while left > 0 {
            match retry_on_intr(|| splice(&reader, None, fd.as_fd(), None, left, SpliceFlags::NONBLOCK))? {
                0 => return Err(Errno(libc::EAGAIN)),
                count => left -= count,
            }
        }
    }
    Ok(())
}

/// What a pipe holds by default.
const PIPE_SIZE: usize = 64 * 1024;

fn write_all(fd: impl AsFd, bytes: &[u8]) -> Result<()> {
    let written = rustix::io::write(fd, bytes)?;
    if written == bytes.len() { Ok(()) } else { Err(Errno(libc::EAGAIN)) }
}

/// More reads than this of a semaphore are not made.
const MAX_READS: u64 = 4096;

/// Sets the counter of an eventfd, which is `now`, to `wanted`.
///
/// # Errors
/// As read(2) and write(2); `ERANGE` for a semaphore that would have to be read too often.
pub fn set_eventfd(fd: impl AsFd, now: u64, wanted: u64) -> Result<()> {
    let fd = fd.as_fd();
    let mut left = now;
    let mut reads = 0;
    while left > wanted {
        if reads == MAX_READS {
            return Err(Errno(libc::ERANGE));
        }
        let mut count = [0; 8];
        rustix::io::read(fd, &mut count)?;
        // All of it; 1 of a semaphore.
        left = left.saturating_sub(u64::from_ne_bytes(count).max(1));
        reads += 1;
    }
    if left < wanted {
        rustix::io::write(fd, &(wanted - left).to_ne_bytes())?;
    }
    Ok(())
}

/// `_IOW('T', 0, u64)` (`linux/timerfd.h`)
const TFD_IOC_SET_TICKS: libc::Ioctl = 0x4008_5400;

/// Takes the expirations that wait in a timer, of which there are some.
///
/// # Errors
/// As read(2), but for `EAGAIN`.
pub fn clear_ticks(fd: impl AsFd) -> Result<()> {
    match rustix::io::read(fd, &mut [0_u8; 8]) {
        Ok(_) | Err(rustix::io::Errno::AGAIN) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// `TFD_IOC_SET_TICKS`: how many expirations of a timer wait to be read; not zero.
///
/// # Errors
/// `ENOTTY` on kernels without `CONFIG_CHECKPOINT_RESTORE`.
pub fn set_ticks(fd: impl AsFd, ticks: u64) -> Result<()> {
    // SAFETY: the kernel reads one 64-bit number. `linux/timerfd.h`.
    check(i64::from(unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), TFD_IOC_SET_TICKS, &raw const ticks) }))
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{EventfdFlags, eventfd};

    #[test]
    fn a_pipe_is_looked_into_without_being_emptied() {
        let (reader, writer) = fcntl::pipe().expect("a pipe");
        assert_eq!(pipe_contents(&reader, 100), Ok(vec![]));
        for piece in [&b"one"[..], b"two"] {
            fill_pipe(&writer, piece).expect("there is room");
        }
        assert_eq!(pipe_contents(&reader, 6), Ok(b"onetwo".to_vec()));
        assert_eq!(pipe_contents(&reader, 5), Err(Errno(libc::EFBIG)));
        assert_eq!(fcntl::drain_pipe(&reader), Ok(6));
    }

    #[test]
    fn the_counter_of_an_eventfd_is_set() {
        for flags in [EventfdFlags::NONBLOCK, EventfdFlags::NONBLOCK | EventfdFlags::SEMAPHORE] {
            let counter = eventfd(0, flags).expect("an eventfd");
            let mut now = 0;
            for wanted in [5, 2, 9, 0] {
                set_eventfd(&counter, now, wanted).expect("it can be set");
                let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", counter.as_raw_fd()));
                let text = text.expect("it is open");
                assert!(text.contains(&format!("eventfd-count: {wanted:16x}")), "{text}");
                now = wanted;
            }
        }
    }

    #[test]
    fn a_semaphore_that_counts_too_far_is_left() {
        let counter = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::SEMAPHORE).expect("an eventfd");
        set_eventfd(&counter, 0, 1 << 40).expect("it can be set");
        assert_eq!(set_eventfd(&counter, 1 << 40, 0), Err(Errno(libc::ERANGE)));
    }
}
