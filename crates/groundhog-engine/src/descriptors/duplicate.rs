//! Open files of functions that this process has, too, to look at them and to put them back.

use groundhog_sys::{Result, fcntl, pidfd};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Which of this process's descriptors are duplicates, of whatever function: how often each number is.
///
/// Held while a thread compares what this process has open with what its function has, or makes copies of all that to ask what they are:
/// a copy of what another thread's function has open would count there as this process's own, and be left as requests leave it.
static DUPLICATES: Mutex<Numbers> = Mutex::new(Numbers(BTreeMap::new()));

/// The numbers of duplicates.
#[derive(Debug)]
pub(crate) struct Numbers(BTreeMap<RawFd, usize>);

impl Numbers {
    /// Whether what this process has under a number is a duplicate, and so a function's.
    pub(crate) fn have(&self, number: RawFd) -> bool {
        self.0.contains_key(&number)
    }

    fn add(&mut self, number: RawFd) {
        *self.0.entry(number).or_default() += 1;
    }

    fn remove(&mut self, number: RawFd) {
        if let Some(count) = self.0.get_mut(&number) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&number);
            }
        }
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
        numbers.add(made.as_raw_fd());
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
        // Nobody waits for that. The number may be that of another duplicate before it is taken back here, so it is counted.
        drop(file);
        lock().remove(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptors::connections::OwnEnds;
    use crate::descriptors::survey::{OpenFile, tell_ours};
    use groundhog_sys::Tid;
    use groundhog_sys::fcntl::FileType;
    use std::collections::BTreeSet;
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A socket as a function has it, whose other end another function has.
    fn duplicate_of_socket() -> (Duplicate, Duplicate) {
        let (socket, other) = UnixStream::pair().expect("a pair");
        let this = pidfd::open(Tid(std::process::id().cast_signed())).expect("this process");
        let of = |socket: &UnixStream| Duplicate::of(&this, socket.as_raw_fd()).expect("it is open");
        (of(&socket), of(&other))
    }

    fn table(duplicate: Duplicate) -> [OpenFile; 1] {
        [OpenFile {
            number: 5,
            duplicate: Arc::new(duplicate),
            kind: FileType::Socket,
            flags: 2,
            offset: None,
            inode: 0,
            name: String::new(),
            info: Vec::new(),
            is_ours: false,
        }]
    }

    /// Several snapshots are taken at a time, each of another process.
    #[test]
    fn what_is_copied_of_functions_is_not_ours() {
        const ROUNDS: usize = 2000;
        let (duplicate, other) = duplicate_of_socket();
        let more = duplicate.again().expect("it is open");
        let mut files = table(duplicate);
        let own = tell_ours(&mut files).expect("it can be listed");
        assert!(!files[0].is_ours && !own.contains(&more.as_raw_fd()) && !own.contains(&other.as_raw_fd()));
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    more.again().expect("it is open");
                }
            });
            let ours = (0..ROUNDS).filter(|_| {
                tell_ours(&mut files).expect("it can be listed");
                files[0].is_ours
            });
            let ours = ours.count();
            done.store(true, Ordering::Relaxed);
            assert_eq!(ours, 0);
        });
    }

    #[test]
    fn what_this_process_has_itself_is_ours() {
        let (duplicate, _other) = duplicate_of_socket();
        let own = duplicate.try_clone().expect("it is open");
        let mut files = table(duplicate);
        let numbers = tell_ours(&mut files).expect("it can be listed");
        assert!(numbers.contains(&own.as_raw_fd()) && files[0].is_ours);
        drop(own);
        tell_ours(&mut files).expect("it can be listed");
        assert!(!files[0].is_ours);
    }

    #[test]
    fn the_other_end_that_another_function_has_is_no_end_of_ours() {
        let (_duplicate, other) = duplicate_of_socket();
        let of_number = |number| OwnEnds::of(&[number], true, &BTreeSet::new()).expect("it is open");
        let inode = fcntl::inode(&*other).expect("it is open");
        assert!(!of_number(other.as_raw_fd()).has(inode));
        let own = other.try_clone().expect("it is open");
        assert!(of_number(own.as_raw_fd()).has(inode));
    }
}
