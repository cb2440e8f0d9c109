//! `copy`: no tracking. Every private page may have been written.

use super::{Scan, Tracker, scanning, soft_dirty};
use crate::error::Step;
use crate::memory::vma::Area;
use crate::strategy::Strategy;
use crate::trace::process::Process;
use groundhog_sys::pagemap_scan::Region;

/// No tracking at work.
#[derive(Debug)]
pub(super) struct Untracked {
    regions: Vec<Region>,
    /// The last survey was made by the scan of the whole address space.
    by_scan: bool,
}

impl Untracked {
    /// Nothing to set up.
    pub(super) fn new() -> Self {
        Self { regions: Vec::new(), by_scan: false }
    }
}

impl Tracker for Untracked {
    fn strategy(&self) -> Strategy {
        Strategy::Copy
    }

    fn survey(&mut self, process: &Process, areas: &[Area], scan: &mut Scan) -> Step<()> {
        let guard = scanning::guard_category(process);
        self.by_scan = scanning::private_pages(process, guard, &mut self.regions).is_ok();
        if !self.by_scan {
            return soft_dirty::scan_entries(process, areas, scan, |_| true);
        }
        scan.clear(true);
        scanning::fill(&self.regions, scan, |_| true);
        Ok(())
    }

    fn begin(&mut self, _process: &Process, _areas: &mut [Area]) -> Step<()> {
        Ok(())
    }

    fn scan(&mut self, process: &Process, areas: &[Area], _same_layout: bool, scan: &mut Scan) -> Step<()> {
        self.survey(process, areas, scan)
    }

    fn private_within(&mut self, _process: &Process, start: u64, end: u64) -> Step<Vec<(u64, u64)>> {
        Ok(vec![(start, end)]) // a survey lists private pages only
    }

    fn protect_all(&mut self, _process: &Process, _areas: &[Area]) -> Step<()> {
        Ok(())
    }

    fn protect(&mut self, _process: &Process, _areas: &[Area], _ranges: &[(u64, u64)]) -> Step<()> {
        Ok(())
    }

    fn sees_everywhere(&self) -> bool {
        self.by_scan
    }

    fn is_selective(&self) -> bool {
        false
    }

    fn must_compare(&self) -> bool {
        true
    }
}
