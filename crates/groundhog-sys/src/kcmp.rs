//! `kcmp(2)`: do two descriptors of two processes name the same open file?

use crate::kernel_types::{Result, Tid, check};
use std::os::fd::{AsRawFd, BorrowedFd};

const KCMP_FILE: i32 = 0;
const KCMP_VM: i32 = 1;
const KCMP_FILES: i32 = 2;

fn same(first: i32, second: i32, kind: i32, of_first: i32, of_second: i32) -> Result<bool> {
    // SAFETY: kcmp(2) takes five numbers and writes no memory of ours.
    let order = check(unsafe {
        libc::syscall(libc::SYS_kcmp, first, second, kind, i64::from(of_first), i64::from(of_second))
    })?;
    Ok(order == 0)
}

/// Whether descriptor `theirs` of process `pid` is the same open file description as `ours`.
///
/// # Errors
/// `EBADF` when the process has no such descriptor, `EPERM` when it may not be inspected, `ENOSYS` without
/// `CONFIG_KCMP`.
pub fn same_open_file(pid: Tid, theirs: i32, ours: BorrowedFd<'_>) -> Result<bool> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    same(pid.0, own, KCMP_FILE, theirs, ours.as_raw_fd())
}

/// Whether two threads share their descriptor table.
///
/// # Errors
/// As [`same_open_file`], but for `EBADF`.
pub fn same_descriptors(first: Tid, second: Tid) -> Result<bool> {
    same(first.0, second.0, KCMP_FILES, 0, 0)
}

/// Whether two processes share their memory.
///
/// # Errors
/// As [`same_open_file`], but for `EBADF`.
pub fn same_memory(first: Tid, second: Tid) -> Result<bool> {
    same(first.0, second.0, KCMP_VM, 0, 0)
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
