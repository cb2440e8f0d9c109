//! `prlimit(2)`: resource limits of another process.

use crate::kernel_types::{Result, Tid, check};

/// How many resources have a limit (`RLIM_NLIMITS`, `asm-generic/resource.h`).
pub const RESOURCES: u32 = 16;

/// The number of that for signals that wait for processes of the user, and for their timers.
pub const SIGNALS: u32 = libc::RLIMIT_SIGPENDING;

/// The soft and the hard limit of a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Limit {
    /// The one that counts.
    pub soft: u64,
    /// How far the soft one may be raised.
    pub hard: u64,
}

fn prlimit(pid: Tid, resource: u32, new: Option<&Limit>, old: Option<&mut Limit>) -> Result<()> {
    let new = new.map_or(std::ptr::null(), std::ptr::from_ref);
    let old = old.map_or(std::ptr::null_mut(), std::ptr::from_mut);
    // SAFETY: prlimit64(2) reads one pair of 64-bit numbers and writes another; both are null or live for the call.
    check(unsafe { libc::syscall(libc::SYS_prlimit64, pid.0, resource, new, old) }).map(drop)
}

/// The limit of a resource by its number.
///
/// # Errors
/// `EPERM` when this process may not ask, `ESRCH` when it is gone.
pub fn get(pid: Tid, resource: u32) -> Result<Limit> {
    let mut limit = Limit::default();
    prlimit(pid, resource, None, Some(&mut limit))?;
    Ok(limit)
}

/// Sets it.
///
/// # Errors
/// `EPERM` when a hard limit cannot be raised again.
pub fn set(pid: Tid, resource: u32, limit: Limit) -> Result<()> {
    prlimit(pid, resource, Some(&limit), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_limit_that_the_c_library_tells() {
        let own = Tid(rustix::process::getpid().as_raw_nonzero().get());
        let told = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        let asked = get(own, libc::RLIMIT_NOFILE).expect("a process may ask for its own");
        assert_eq!(Some(asked.soft), told.current);
        assert_eq!(set(own, libc::RLIMIT_NOFILE, asked), Ok(()));
        assert_eq!(get(own, RESOURCES).map_err(|errno| errno.0), Err(libc::EINVAL));
    }
}
