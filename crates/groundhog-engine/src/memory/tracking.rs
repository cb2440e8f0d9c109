//! Which pages were written? One answer per strategy, all behind [`Tracker`].

mod soft_dirty;
mod untracked;
mod write_protect;

use crate::error::Step;
use crate::memory::vma::Area;
use crate::strategy::Strategy;
use crate::trace::process::Process;
use crate::trace::remote_syscall::Remote;
use std::fmt;
use std::ops::Range;

/// A run of pages of private mappings.
#[allow(clippy::struct_excessive_bools, reason = "what the kernel says of a page")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Written, or not known to be unwritten.
    pub(crate) dirty: bool,
    /// Not there: given back to the kernel.
    pub(crate) absent: bool,
    /// The kernel's shared page of zeros.
    pub(crate) zero: bool,
    /// Not in memory: in swap, or a marker of an earlier protection.
    pub(crate) swapped: bool,
}

/// What a scan found, in ascending order.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) runs: Vec<Run>,
    /// Every private page that is there is listed, so that one which is not listed is not there. Otherwise pages that
    /// are not listed are as they were.
    pub(crate) complete: bool,
    /// Guard pages, where the kernel tells.
    pub(crate) guards: Vec<(u64, u64)>,
}

impl Scan {
    fn clear(&mut self, complete: bool) {
        self.runs.clear();
        self.guards.clear();
        self.complete = complete;
    }
}

/// A strategy at work on one process.
pub(crate) trait Tracker: fmt::Debug + Send {
    /// Its name.
    fn strategy(&self) -> Strategy;

    /// Begins to follow writes to the private mappings of a stopped process, from now on.
    fn begin(&mut self, process: &Process, areas: &mut [Area]) -> Step<()>;

    /// In these ranges every page was there when it began: there may be quicker ways to ask of them.
    fn note_whole(&mut self, _areas: &[Area], _ranges: Vec<(u64, u64)>) {}

    /// Follows what was mapped `anew`, before it has pages, so that the kernel joins it with its neighbours. Its pages count as
    /// written at the next scan, which lists all.
    fn follow_new(&mut self, _process: &Process, _areas: &[Area], _anew: &[Range<u64>]) -> Step<()> {
        Ok(())
    }

    /// Gives up following writes.
    fn end(&mut self, _process: &Process) {}

    /// Lists all private pages.
    fn survey(&mut self, process: &Process, areas: &[Area], scan: &mut Scan) -> Step<()>;

    /// Lists the private pages that may differ from the snapshot. With `same_layout`, no call was made since the last
    /// scan that could have changed a mapping or given memory back.
    fn scan(&mut self, process: &Process, areas: &[Area], same_layout: bool, scan: &mut Scan) -> Step<()>;

    /// Which pages of a range that a scan listed in a file's mapping are private; a partial scan does not know.
    fn private_within(&mut self, process: &Process, start: u64, end: u64) -> Step<Vec<(u64, u64)>>;

    /// Every private page counts as unwritten from now on.
    fn protect_all(&mut self, process: &Process, areas: &[Area]) -> Step<()>;

    /// The pages of these ranges count as unwritten from now on; all others keep what they have.
    fn protect(&mut self, process: &Process, areas: &[Area], ranges: &[(u64, u64)]) -> Step<()>;

    /// Whether mappings may have been replaced by others that look the same, beside those that were mapped anew: known since the
    /// last scan by those that can tell.
    fn may_be_replaced(&self) -> bool {
        true
    }

    /// Looks for them, without a scan.
    fn find_replaced(&mut self, _process: &Process, _areas: &[Area]) -> Step<bool> {
        Ok(true)
    }

    /// Whether [`Self::scan`] finds pages outside of the mappings that it is told of: a stack that has grown.
    fn sees_everywhere(&self) -> bool;

    /// Whether [`Self::protect`] can do less than everything: then hot pages may be left out.
    fn is_selective(&self) -> bool;

    /// Whether what it calls dirty was only not looked at: then contents are compared before they are copied.
    fn must_compare(&self) -> bool;
}

/// Sets a strategy up for a stopped process.
pub(crate) fn tracker(strategy: Strategy, remote: &mut Remote<'_>) -> Step<Box<dyn Tracker>> {
    Ok(match strategy {
        Strategy::Hot | Strategy::Classic => Box::new(write_protect::WriteProtect::new(strategy, remote)?),
        Strategy::SoftDirty => Box::new(soft_dirty::SoftDirty::new(remote.process())?),
        Strategy::Copy => Box::new(untracked::Untracked::new()),
    })
}

/// Whether its tracker knows that a private mapping was replaced by another that looks the same: [`Tracker::may_be_replaced`].
pub(crate) fn tells_replaced(strategy: Strategy) -> bool {
    matches!(strategy, Strategy::Hot | Strategy::Classic)
}

/// Lists private pages by the `PAGEMAP_SCAN` ioctl.
mod scanning {
    use super::{Run, Scan};
    use crate::arch::ADDRESS_SPACE_END;
    use crate::error::{OrTrouble, Reason, Step};
    use crate::trace::process::Process;
    use groundhog_sys::pagemap_scan::{self, Categories, Query, Region};

    /// Scans the whole address space in one go, for private pages and what `report` asks of them.
    pub(super) fn private_pages(
        process: &Process,
        report: Categories,
        regions: &mut Vec<Region>,
    ) -> groundhog_sys::Result<()> {
        regions.clear();
        let query = Query {
            inverted: Categories::FILE,
            all: Categories::FILE,
            any: Categories::PRESENT | Categories::SWAPPED,
            report: report | Categories::PRESENT | Categories::SWAPPED | Categories::ZERO_PAGE,
            ..Query::default()
        };
        pagemap_scan::scan(&process.files.pagemap, 0, ADDRESS_SPACE_END, &query, regions)
    }

    /// Turns regions into runs; `dirty` says which are written.
    pub(super) fn fill(regions: &[Region], scan: &mut Scan, dirty: impl Fn(Categories) -> bool) {
        for region in regions {
            let categories = region.categories();
            if categories.contains(Categories::GUARD) {
                scan.guards.push((region.start, region.end));
                continue;
            }
            let there = categories.intersects(Categories::PRESENT | Categories::SWAPPED);
            scan.runs.push(Run {
                start: region.start,
                end: region.end,
                dirty: dirty(categories),
                absent: !there,
                zero: categories.contains(Categories::ZERO_PAGE),
                swapped: categories.contains(Categories::SWAPPED),
            });
        }
    }

    /// Which categories this kernel can report, of those that not all can.
    pub(super) fn guard_category(process: &Process) -> Categories {
        let mut none = Vec::new();
        let query = Query { report: Categories::GUARD, ..Query::default() };
        match pagemap_scan::scan(&process.files.pagemap, 0, 4096, &query, &mut none) {
            Ok(()) => Categories::GUARD,
            Err(_) => Categories::empty(),
        }
    }

    /// Whether this kernel has the ioctl at all.
    pub(super) fn works(process: &Process) -> bool {
        private_pages(process, Categories::empty(), &mut Vec::new()).is_ok()
    }

    /// The error of a scan, in words.
    pub(super) fn checked(result: groundhog_sys::Result<()>) -> Step<()> {
        result.or_trouble(Reason::Tracking, "scanning its page tables")
    }
}
