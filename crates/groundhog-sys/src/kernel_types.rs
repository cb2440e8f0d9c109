//! Types for things that must not be mixed up.

use std::fmt;
use std::io;

/// Bytes in a page. x86-64 has no other base page size.
pub const PAGE_SIZE: u64 = 4096;

/// A thread id (a process id is the thread id of its first thread).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tid(pub i32);

impl fmt::Display for Tid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An address in the tracee, never to be dereferenced here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RemoteAddr(pub u64);

impl fmt::Display for RemoteAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// An error number of the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

impl Errno {
    /// The calling thread's `errno`, as the C library left it.
    #[must_use]
    pub fn last() -> Self {
        Self(io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }

    /// The error in a raw system call result, if it is one.
    #[must_use]
    pub fn from_raw_result(value: i64) -> Option<Self> {
        (-4095..0).contains(&value).then_some(Self(-value as i32))
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        io::Error::from_raw_os_error(self.0).fmt(f)
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Errno {}

impl From<rustix::io::Errno> for Errno {
    fn from(error: rustix::io::Errno) -> Self {
        Self(error.raw_os_error())
    }
}

/// The result of a system call.
pub type Result<T> = std::result::Result<T, Errno>;

/// Turns the C library's `-1 and errno` into a result.
pub(crate) fn check(value: i64) -> Result<i64> {
    if value == -1 { Err(Errno::last()) } else { Ok(value) }
}
