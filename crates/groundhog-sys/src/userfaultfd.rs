//! `userfaultfd(2)` used for one thing only: asynchronous write-protection, which the kernel resolves itself.

use crate::kernel_types::{Errno, Result, check};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// The flags with which a function process must create its descriptor: usable without privilege.
pub const CREATE_FLAGS: u64 = (libc::O_CLOEXEC | libc::O_NONBLOCK) as u64 | USER_MODE_ONLY;

const USER_MODE_ONLY: u64 = 1;
const UFFD_API: u64 = 0xaa;
const FEATURE_WP_UNPOPULATED: u64 = 1 << 13;
const FEATURE_WP_ASYNC: u64 = 1 << 15;
const REGISTER_MODE_WP: u64 = 1 << 1;
const WRITEPROTECT_MODE_WP: u64 = 1 << 0;

const UFFDIO_API: u64 = 0xc018_aa3f; // _IOWR(0xAA, 0x3F, struct uffdio_api)
const UFFDIO_REGISTER: u64 = 0xc020_aa00; // _IOWR(0xAA, 0x00, struct uffdio_register)
const UFFDIO_UNREGISTER: u64 = 0x8010_aa01; // _IOR(0xAA, 0x01, struct uffdio_range)
const UFFDIO_WRITEPROTECT: u64 = 0xc018_aa06; // _IOWR(0xAA, 0x06, struct uffdio_writeprotect)

/// A userfaultfd of a process, set up for asynchronous write-protection.
#[derive(Debug)]
pub struct WriteProtector {
    fd: OwnedFd,
}

impl WriteProtector {
    /// `UFFDIO_API`: takes a fresh descriptor and asks for asynchronous write-protection.
    ///
    /// # Errors
    /// `EINVAL` when the kernel lacks the features (before Linux 6.7).
    pub fn new(fd: OwnedFd) -> Result<Self> {
        let mut argument: [u64; 3] = [UFFD_API, FEATURE_WP_ASYNC | FEATURE_WP_UNPOPULATED, 0];
        // SAFETY: `argument` has the layout of struct uffdio_api: api, features, ioctls, each 64 bits.
        check(i64::from(unsafe { libc::ioctl(fd.as_raw_fd(), UFFDIO_API, argument.as_mut_ptr()) }))?;
        Ok(Self { fd })
    }

    /// Creates one for this very process (for self-tests).
    ///
    /// # Errors
    /// `EPERM` or `ENOSYS` when it is forbidden or missing.
    pub fn for_this_process() -> Result<Self> {
        // SAFETY: userfaultfd(2) takes flags only and answers a new descriptor.
        let fd = check(unsafe { libc::syscall(libc::SYS_userfaultfd, CREATE_FLAGS) })?;
        let fd = i32::try_from(fd).map_err(|_| Errno(libc::EBADF))?;
        // SAFETY: the kernel just made this descriptor, and nobody else knows it.
        Self::new(unsafe { std::os::fd::FromRawFd::from_raw_fd(fd) })
    }

    /// `UFFDIO_REGISTER`: follows writes to the pages of `start..end`.
    ///
    /// # Errors
    /// `EINVAL` when the range is not wholly mapped, or a mapping cannot be followed; `EPERM` when a mapping may
    /// never become writable; `EBUSY` when another descriptor follows it; `ENOMEM` when the process is gone.
    pub fn register(&self, start: u64, end: u64) -> Result<()> {
        let mut argument: [u64; 4] = [start, end - start, REGISTER_MODE_WP, 0];
        // SAFETY: `argument` has the layout of struct uffdio_register: start, len, mode, ioctls, each 64 bits.
        let result =
            unsafe { libc::ioctl(self.fd.as_fd().as_raw_fd(), UFFDIO_REGISTER, argument.as_mut_ptr()) };
        check(i64::from(result)).map(drop)
    }

    /// `UFFDIO_UNREGISTER`: follows the pages of `start..end` no longer; what is left of the descriptor does not matter.
    ///
    /// # Errors
    /// `EINVAL` when nothing is mapped there or a mapping cannot be followed, `ESRCH` when the process is gone.
    pub fn unregister(&self, start: u64, end: u64) -> Result<()> {
        let mut argument: [u64; 2] = [start, end - start];
        let result =
            // SAFETY: `argument` has the layout of struct uffdio_range: start, len, each 64 bits.
            unsafe { libc::ioctl(self.fd.as_fd().as_raw_fd(), UFFDIO_UNREGISTER, argument.as_mut_ptr()) };
        check(i64::from(result)).map(drop)
    }

    /// `UFFDIO_WRITEPROTECT`: protects the pages of `start..end`, which must be registered.
    ///
    /// # Errors
    /// `ENOENT` when part of the range is not registered, `EAGAIN` when the mappings are changing, `ESRCH` when the
    /// process is gone.
    pub fn protect(&self, start: u64, end: u64) -> Result<()> {
        let mut argument: [u64; 3] = [start, end - start, WRITEPROTECT_MODE_WP];
        let result =
            // SAFETY: `argument` has the layout of struct uffdio_writeprotect: start, len, mode, each 64 bits.
            unsafe { libc::ioctl(self.fd.as_fd().as_raw_fd(), UFFDIO_WRITEPROTECT, argument.as_mut_ptr()) };
        check(i64::from(result)).map(drop)
    }
}
