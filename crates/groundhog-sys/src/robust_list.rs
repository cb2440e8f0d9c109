//! `get_robust_list(2)`: where a thread told the kernel to look for futexes that it holds when it ends.

use crate::kernel_types::{RemoteAddr, Result, Tid, check};

/// The size of `struct robust_list_head`: the first futex, an offset, and the futex that is being taken.
pub const HEAD_SIZE: usize = 24;

/// The address of a thread's `struct robust_list_head`, 0 when it has none.
///
/// # Errors
/// `EPERM` when this process may not trace the thread, `ESRCH` when it is gone.
pub fn head(tid: Tid) -> Result<RemoteAddr> {
    let (mut head, mut len) = (0_u64, 0_usize);
    // SAFETY: the kernel writes one pointer and one length into these variables. get_robust_list(2).
    check(unsafe { libc::syscall(libc::SYS_get_robust_list, tid.0, &raw mut head, &raw mut len) })?;
    Ok(RemoteAddr(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_c_library_gives_every_thread_one() {
        let own = head(Tid(0)).expect("a thread may ask for its own");
        let other = std::thread::spawn(|| head(Tid(0))).join().expect("the thread does not panic");
        assert!(own != RemoteAddr(0) && other.is_ok_and(|other| other != own));
    }
}
