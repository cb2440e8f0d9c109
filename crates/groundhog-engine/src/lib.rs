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
mod attributes;
mod capabilities;
mod changes;
mod connections;
mod descriptors;
mod doorbell;
mod epoll;
mod error;
mod files;
mod filter;
mod held;
mod inspect;
mod jail;
mod kernel_state;
mod layout;
mod memory;
mod pages;
mod passing;
mod process;
mod queues;
mod registers;
mod remote;
mod repair;
mod report;
mod restore;
mod shared;
mod signals;
mod snapshot;
mod space;
mod tracee;
mod tracer;
mod tracking;
mod verify;
mod watch;
mod writable;

pub use capabilities::{Capabilities, Finding, Reach, capabilities};
pub use changes::{Changes, LayoutChange, MemoryChange};
pub use error::{Error, Reason, Result};
pub use jail::{JailOptions, Means};
pub use report::{Phases, RestoreReport, SnapshotInfo};
pub use tracee::{SpawnOptions, Tracee};
pub use tracking::Strategy;

/// What copying a page of uncached memory costs here, in seconds: the yardstick for restores.
#[must_use]
pub fn memcpy_seconds_per_page(pages: usize) -> f64 {
    let pages = u32::try_from(pages).unwrap_or(u32::MAX).max(1);
    groundhog_sys::copy_time::memcpy_uncached(pages as usize).as_secs_f64() / f64::from(pages)
}

/// A duplicate of a descriptor known by number only.
///
/// # Errors
/// `EBADF` when nothing is open under that number.
pub fn duplicate_descriptor(number: i32) -> std::io::Result<std::os::fd::OwnedFd> {
    groundhog_sys::fcntl::duplicate_number(number).map_err(|errno| std::io::Error::from_raw_os_error(errno.0))
}
