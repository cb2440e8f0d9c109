//! `landlock(7)`: what the kernel can do of it, and being restricted by a ruleset. Rulesets are made by the crate of that
//! name, which tells a kernel that cannot do something from one that refuses.

use crate::kernel_types::{Errno, Result, check};
use std::os::fd::{AsRawFd, OwnedFd};

/// `LANDLOCK_CREATE_RULESET_VERSION` (`linux/landlock.h`)
const VERSION: u32 = 1;

/// The version of its interface; 0 where there is none: the kernel was built without, or started without.
///
/// # Errors
/// Of a kernel, or of a seccomp program, that refuses to tell.
pub fn version() -> Result<u32> {
    let nothing = std::ptr::null::<libc::c_void>();
    // SAFETY: landlock_create_ruleset(2) with this flag takes no attributes, and reads none.
    match check(unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nothing, 0_usize, VERSION) }) {
        Ok(version) => u32::try_from(version).map_err(|_| Errno(libc::EPROTO)),
        Err(Errno(libc::ENOSYS | libc::EOPNOTSUPP)) => Ok(0),
        Err(errno) => Err(errno),
    }
}

/// Binds the calling thread, and whatever comes of it, by a ruleset; it needs `no_new_privs`.
///
/// # Errors
/// As `landlock_restrict_self(2)`.
pub(crate) fn restrict_self(ruleset: &OwnedFd) -> Result<()> {
    // SAFETY: landlock_restrict_self(2) takes a ruleset's descriptor and no flags; it touches no memory.
    check(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) })?;
    Ok(())
}
