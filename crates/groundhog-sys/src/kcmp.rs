//! `kcmp(2)`: do two descriptors of two processes name the same open file?

use crate::kernel_types::{Result, Tid, check};
use std::os::fd::{AsRawFd, BorrowedFd};

const KCMP_FILE: i32 = 0;

/// Whether descriptor `theirs` of process `pid` is the same open file description as `ours`.
///
/// # Errors
/// `EBADF` when the process has no such descriptor, `EPERM` when it may not be inspected, `ENOSYS` without
/// `CONFIG_KCMP`.
pub fn same_open_file(pid: Tid, theirs: i32, ours: BorrowedFd<'_>) -> Result<bool> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    // SAFETY: kcmp(2) takes five numbers and writes no memory of ours.
    let order = check(unsafe {
        libc::syscall(libc::SYS_kcmp, pid.0, own, KCMP_FILE, i64::from(theirs), i64::from(ours.as_raw_fd()))
    })?;
    Ok(order == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_duplicate_is_the_same_file_and_another_opening_is_not() {
        let pid = Tid(rustix::process::getpid().as_raw_nonzero().get());
        let open = || std::fs::File::open("/dev/null").expect("the null device opens");
        let (first, second) = (open(), open());
        let duplicate = first.try_clone().expect("it can be duplicated");
        assert_eq!(same_open_file(pid, first.as_raw_fd(), duplicate.as_fd()), Ok(true));
        assert_eq!(same_open_file(pid, first.as_raw_fd(), second.as_fd()), Ok(false));
    }
}
