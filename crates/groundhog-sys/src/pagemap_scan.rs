//! The `PAGEMAP_SCAN` ioctl (Linux 6.7) on `/proc/PID/pagemap`: lists pages by what they are.
//!
//! A scan walks the page tables of a range and fills a vector with regions of pages whose categories match. It
//! stops for one of three reasons: the range is done, the vector is full, or a page limit (not used here) is
//! reached; `walk_end` says where. [`scan`] goes on until the range is done.
//!
//! `walk_end` cannot be taken at its word (seen on Linux 6.18): the kernel collects regions in a buffer of 512,
//! sets `walk_end` each time that is full, and does not set it again when it then reaches the end of the range. So a
//! vector that is not full means that the range is done, and a scan never goes back behind what it has listed.

use crate::kernel_types::{Errno, Result, check};
use bitflags::bitflags;
use std::os::fd::{AsFd, AsRawFd};

bitflags! {
    /// What a page is.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Categories: u64 {
        /// Its mapping is registered for asynchronous write-protection.
        const WP_ALLOWED = 1 << 0;
        /// It is not write-protected: written since it last was. Means something only with `WP_ALLOWED`.
        const WRITTEN = 1 << 1;
        /// It belongs to a file or to shared memory, not to this process alone.
        const FILE = 1 << 2;
        /// It is in memory.
        const PRESENT = 1 << 3;
        /// It is in swap, or a marker stands in its place.
        const SWAPPED = 1 << 4;
        /// It is the kernel's shared page of zeros.
        const ZERO_PAGE = 1 << 5;
        /// It is part of a huge page.
        const HUGE = 1 << 6;
        /// Its soft-dirty bit is set.
        const SOFT_DIRTY = 1 << 7;
        /// A guard stands in its place (`MADV_GUARD_INSTALL`); reported since Linux 6.15.
        const GUARD = 1 << 8;
    }
}

/// A run of neighbouring pages with the same categories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Region {
    /// The first byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
    categories: u64,
}

impl Region {
    /// What its pages are, of the categories that were asked for.
    #[must_use]
    pub fn categories(&self) -> Categories {
        Categories::from_bits_truncate(self.categories)
    }
}

/// Which pages to list, and what to do with them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query {
    /// Categories to be turned round before the comparison.
    pub inverted: Categories,
    /// All of these must hold.
    pub all: Categories,
    /// At least one of these must hold; none asked: no condition.
    pub any: Categories,
    /// What to report of each page.
    pub report: Categories,
    /// Write-protect what matches, in mappings that allow it.
    pub protect: bool,
    /// Fail with `EPERM` when a mapping in the range is not registered for asynchronous write-protection.
    pub require_registered: bool,
}

#[repr(C)]
#[derive(Default)]
struct Argument {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

const PAGEMAP_SCAN: u64 = 0xc060_6610; // _IOWR('f', 16, struct pm_scan_arg)
const PM_SCAN_WP_MATCHING: u64 = 1 << 0;
const PM_SCAN_CHECK_WPASYNC: u64 = 1 << 1;
const VECTOR: usize = 2048;

/// Scans `start..end` and appends what matches to `found`, in ascending order.
///
/// # Errors
/// `ENOTTY` or `EINVAL` on kernels without it, `EPERM` with `require_registered`, `ESRCH` when the process is gone.
///
/// # References
/// Documentation/admin-guide/mm/pagemap.rst, "Pagemap Scan IOCTL"
pub fn scan(pagemap: impl AsFd, start: u64, end: u64, query: &Query, found: &mut Vec<Region>) -> Result<()> {
    let mut flags = 0;
    if query.protect {
        flags |= PM_SCAN_WP_MATCHING;
    }
    if query.require_registered {
        flags |= PM_SCAN_CHECK_WPASYNC;
    }
    let mut at = start;
    while at < end {
        let old_len = found.len();
        // Not filled beforehand: that would cost as much as the scan, and push out of the caches what comes next.
        found.reserve(VECTOR);
        let mut argument = Argument {
            size: size_of::<Argument>() as u64,
            flags,
            start: at,
            end,
            vec: found.spare_capacity_mut().as_mut_ptr() as u64,
            vec_len: VECTOR as u64,
            category_inverted: query.inverted.bits(),
            category_mask: query.all.bits(),
            category_anyof_mask: query.any.bits(),
            return_mask: query.report.bits(),
            ..Argument::default()
        };
        // SAFETY: `argument` is the structure of the size it says, and its vector points to room for `vec_len` regions, which
        // the kernel only writes and nothing else refers to during the call. PAGEMAP_SCAN in pagemap.rst.
        let result = check(i64::from(unsafe {
            libc::ioctl(pagemap.as_fd().as_raw_fd(), PAGEMAP_SCAN, &raw mut argument)
        }));
        match result {
            Ok(count) => {
                let count = VECTOR.min(count as usize);
                // SAFETY: there is room for VECTOR more, and the kernel has written as many regions as it says, three numbers
                // each. PAGEMAP_SCAN in pagemap.rst.
                unsafe { found.set_len(old_len + count) };
                if count < VECTOR {
                    return Ok(());
                }
                let listed = found.last().map_or(at, |region| region.end);
                at = listed.max(argument.walk_end);
            }
            Err(Errno(libc::EINTR)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel_types::PAGE_SIZE;
    use std::fs::File;

    /// Scans `pages` pages of which every other one is there.
    fn scan_every_other(pages: usize) -> Option<Vec<Region>> {
        let page = PAGE_SIZE as usize;
        // SAFETY: a flag of this test process; no memory is touched.
        unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0) };
        let mut memory = vec![0_u8; (pages + 2) * page];
        let skip = memory.as_ptr().align_offset(page);
        for at in (0..pages).step_by(2) {
            memory[skip + at * page] = 1;
        }
        let start = memory[skip..].as_ptr() as u64;
        let pagemap = File::open("/proc/self/pagemap").expect("a process may read its own pagemap");
        let query = Query { all: Categories::PRESENT, ..Query::default() };
        let mut found = Vec::new();
        match scan(&pagemap, start, start + (pages * page) as u64, &query, &mut found) {
            Ok(()) => Some(found),
            Err(Errno(libc::ENOTTY)) => None, // before Linux 6.7
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn every_region_is_listed_once_however_many_there_are() {
        // Around the kernel's buffer of 512 regions and our vector of 2048. Fresh pages of a large allocation are not
        // there before they are written.
        for regions in [1, 511, 512, 513, 600, 1024, 1500, 2047, 2048, 2049, 2600, 4096, 5000] {
            if let Some(found) = scan_every_other(regions * 2) {
                assert_eq!(found.len(), regions);
                assert!(found.windows(2).all(|pair| pair[0].end < pair[1].start));
            }
        }
    }
}
