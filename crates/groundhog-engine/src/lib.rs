//! Snapshot, restore and verify a Linux process in place.
//!
//! ```text
//!   Tracee (any thread) --command, doorbell--> tracer thread: Process, Snapshot
//!          <--------------reply, eventfd------
//! ```
//!
//! All ptrace calls for one process come from one thread, which this crate owns. [`Tracee`] is the handle.
#![forbid(unsafe_code)]

mod arch;
mod component;
mod descriptors;
mod duplicate;
mod error;
mod files;
mod kernel_state;
mod memory;
mod report;
mod session;
mod strategy;
mod syscalls;
mod trace;

pub use descriptors::unanswered::unanswered;
pub use duplicate::{after_fork_in_child, after_fork_in_parent, before_fork};
pub use error::{Error, Reason, Result};
pub use files::jail::{JailOptions, Means};
pub use files::mounts::mounted_below;
pub use report::{Phases, RestoreReport, SnapshotInfo};
pub use session::capabilities::{Capabilities, Finding, Reach, capabilities};
pub use session::changes::{Changes, LayoutChange, MemoryChange};
pub use session::tracee::{SpawnOptions, Tracee, UsedConnections};
pub use strategy::Strategy;
pub use syscalls::policy::{PolicyRow, described as policy};

/// What copying a page of uncached memory costs here, in seconds: the yardstick for restores.
#[must_use]
pub fn memcpy_seconds_per_page(pages: usize) -> f64 {
    let pages = u32::try_from(pages).unwrap_or(u32::MAX).max(1);
    groundhog_sys::copy_time::memcpy_uncached(pages as usize).as_secs_f64() / f64::from(pages)
}

/// Ends the connection of a socket known by number only; the port that it was bound to stays its own, and it may connect again.
///
/// # Errors
/// As connect(2).
pub fn disconnect(number: i32) -> std::io::Result<()> {
    let socket = duplicate_descriptor(number)?;
    groundhog_sys::socket::disconnect(&socket).map_err(|errno| std::io::Error::from_raw_os_error(errno.0))
}

/// A duplicate of a descriptor known by number only.
///
/// # Errors
/// `EBADF` when nothing is open under that number.
pub fn duplicate_descriptor(number: i32) -> std::io::Result<std::os::fd::OwnedFd> {
    groundhog_sys::fcntl::duplicate_number(number).map_err(|errno| std::io::Error::from_raw_os_error(errno.0))
}
