//! Open files of functions that this process has, too, to look at them and to put them back.

use groundhog_sys::{Result, fcntl, forking, pidfd};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Which of this process's descriptors are duplicates, of whatever function: how often each number is.
///
/// Held while a thread compares what this process has open with what its function has, or makes copies of all that to ask what they are:
/// a copy of what another thread's function has open would count there as this process's own, and be left as requests leave it.
static DUPLICATES: Mutex<Numbers> = Mutex::new(Numbers::new());

/// The numbers of duplicates.
#[derive(Debug)]
pub(crate) struct Numbers {
    open: BTreeSet<RawFd>,
    /// Those that are being closed, with their inodes: a number may be that of another file before the kernel comes back from it.
    closing: Vec<(RawFd, Option<u64>)>,
}

impl Numbers {
    const fn new() -> Self {
        Self { open: BTreeSet::new(), closing: Vec::new() }
    }

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

/// The forks that a thread is about to make, and what it holds for as long as that lasts.
struct Forking {
    /// More than one where a fork is made in the middle of another, such as by the handler of a signal.
    count: u32,
    numbers: MutexGuard<'static, Numbers>,
    _apart: MutexGuard<'static, ()>,
}

thread_local! {
    static FORKING: RefCell<Option<Forking>> = const { RefCell::new(None) };
}

/// To be called by the thread that is about to fork this process, before [`after_fork_in_parent`] or [`after_fork_in_child`]: no duplicate is
/// being made or registered meanwhile, nor anything else that threads wait for.
pub fn before_fork() {
    FORKING.with_borrow_mut(|forking| match forking {
        Some(forking) => forking.count += 1,
        None => *forking = Some(Forking { count: 1, numbers: lock(), _apart: forking::apart() }),
    });
}

/// To be called by the thread that has forked this process, in this process.
pub fn after_fork_in_parent() {
    FORKING.with_borrow_mut(|forking| {
        if let Some(forking) = forking {
            forking.count -= 1;
        }
        forking.take_if(|forking| forking.count == 0);
    });
}

/// To be called in the child: gives up what this process has open of functions, which would keep their ports, locks and connections
/// for as long as the child lives. Their tracers have stayed in the parent.
pub fn after_fork_in_child() {
    FORKING.with_borrow_mut(|forking| {
        if let Some(Forking { numbers, .. }) = forking {
            let Numbers { open, closing } = std::mem::replace(&mut **numbers, Numbers::new());
            let closing =
                closing.into_iter().filter(|(number, inode)| fcntl::inode_of_number(*number).ok() == *inode);
            open.into_iter().chain(closing.map(|(number, _)| number)).for_each(fcntl::give_up_in_child);
        }
    });
    after_fork_in_parent();
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

#[cfg(test)]
mod tests {
    use super::*;
    use groundhog_sys::Tid;
    use std::os::unix::net::UnixDatagram;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// What another thread opens gets the number of a duplicate that is being closed.
    #[test]
    fn a_number_that_is_free_again_is_no_duplicate() {
        const ROUNDS: usize = 20_000;
        let socket = UnixDatagram::unbound().expect("a socket");
        let this = pidfd::open(Tid(std::process::id().cast_signed())).expect("this process");
        let duplicate = Duplicate::of(&this, socket.as_raw_fd()).expect("it is open");
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    duplicate.again().expect("it is open");
                }
            });
            let taken = (0..ROUNDS).filter(|_| {
                let own = fcntl::eventfd().expect("it can be made");
                lock().have(own.as_raw_fd())
            });
            let taken = taken.count();
            done.store(true, Ordering::Relaxed);
            assert_eq!(taken, 0);
        });
    }
}
