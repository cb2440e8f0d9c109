//! Open files of functions that this process has, too, to look at them and to put them back.

use groundhog_sys::{Result, fcntl, pidfd};
use std::collections::BTreeSet;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Which of this process's descriptors are duplicates, of whatever function: how often each number is.
///
/// Held while a thread compares what this process has open with what its function has, or makes copies of all that to ask what they are:
/// a copy of what another thread's function has open would count there as this process's own, and be left as requests leave it.
static DUPLICATES: Mutex<Numbers> = Mutex::new(Numbers { open: BTreeSet::new(), closing: Vec::new() });

/// The numbers of duplicates.
#[derive(Debug)]
pub(crate) struct Numbers {
    open: BTreeSet<RawFd>,
    /// Those that are being closed, with their inodes: a number may be that of another file before the kernel comes back from it.
    closing: Vec<(RawFd, Option<u64>)>,
}

impl Numbers {
    /// Whether what this process has under a number is a duplicate, and so a function's.
    pub(crate) fn have(&self, number: RawFd) -> bool {
        let is_closing = |(closing, inode): &(RawFd, Option<u64>)| {
            *closing == number && fcntl::inode_of_number(number).ok() == *inode
        };
        self.open.contains(&number) || self.closing.iter().any(is_closing)
    }
}

/// Keeps other threads from making any.
pub(crate) fn lock() -> MutexGuard<'static, Numbers> {
    DUPLICATES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A duplicate, which shares the open file.
#[derive(Debug)]
pub(crate) struct Duplicate(Option<OwnedFd>);

impl Duplicate {
    /// Of what a process has under a number.
    #[expect(clippy::disallowed_methods, reason = "this is the place for it")]
    pub(crate) fn of(pidfd: impl AsFd, number: i32) -> Result<Self> {
        Self::made(|| pidfd::duplicate_fd(pidfd, number))
    }

    /// One more of the same.
    pub(crate) fn again(&self) -> Result<Self> {
        Self::made(|| fcntl::duplicate(&**self))
    }

    fn made(make: impl FnOnce() -> Result<OwnedFd>) -> Result<Self> {
        let mut numbers = lock();
        let made = make()?;
        numbers.open.insert(made.as_raw_fd());
        Ok(Self(Some(made)))
    }
}

impl Deref for Duplicate {
    type Target = OwnedFd;

    fn deref(&self) -> &OwnedFd {
        self.0.as_ref().expect("it is open as long as it lives")
    }
}

impl AsFd for Duplicate {
    fn as_fd(&self) -> BorrowedFd<'_> {
        (**self).as_fd()
    }
}

impl Drop for Duplicate {
    fn drop(&mut self) {
        let Some(file) = self.0.take() else { return };
        let number = file.as_raw_fd();
        let closing = (number, fcntl::inode(&file).ok());
        {
            let mut numbers = lock();
            numbers.open.remove(&number);
            numbers.closing.push(closing);
        }
        // Nobody waits for that: a socket may linger.
        drop(file);
        let closing_now = &mut lock().closing;
        if let Some(at) = closing_now.iter().position(|other| *other == closing) {
            closing_now.swap_remove(at);
        }
    }
}
