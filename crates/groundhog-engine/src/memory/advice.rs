//! Advice about memory (`madvise`), made inside the process.

use crate::arch::call;
use crate::error::Step;
use crate::trace::remote_syscall::Remote;

/// The pages are given back.
pub(super) const DONTNEED: u64 = 4;
/// Children do not get it, and do again.
pub(super) const DONTFORK: u64 = 10;
pub(super) const DOFORK: u64 = 11;
/// Core dumps leave it out, and do not.
pub(super) const DONTDUMP: u64 = 16;
pub(super) const DODUMP: u64 = 17;

/// The pages are put together to huge ones (Linux 6.1).
pub(super) const COLLAPSE: u64 = 25;

/// What shows in a mapping's flags, and the advice that gives it again: read in order or at random, not for children, may be merged,
/// huge pages or none, not for core dumps.
pub(super) const LASTING: [(&[u8; 2], u64); 7] =
    [(b"sr", 2), (b"rr", 1), (b"dc", DONTFORK), (b"mg", 12), (b"hg", 14), (b"nh", 15), (b"dd", DONTDUMP)];

/// Gives advice that must succeed.
pub(super) fn give(remote: &mut Remote<'_>, start: u64, end: u64, advice: u64) -> Step<()> {
    remote.must("madvise", call::MADVISE, [start, end - start, advice, 0, 0, 0]).map(drop)
}
