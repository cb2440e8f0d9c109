//! What a scan means for the snapshot: pure, one pass over sorted lists.

use crate::memory::pages::{Content, Extent};
use crate::memory::tracking::{Run, Scan};
use crate::memory::vma::Area;

/// Pages of one extent that have to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Which extent.
    pub(crate) extent: usize,
    /// Which area.
    pub(crate) area: usize,
}

/// Pages of private mappings that the snapshot does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extra {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Which area.
    pub(crate) area: usize,
}

/// A page that is in no mapping of the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outside(pub(crate) u64);

/// What a restore has to do to private memory.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) extras: Vec<Extra>,
}

impl Plan {
    /// Makes the plan; `everything` takes all pages for written.
    ///
    /// A page of an extent that no run covers was given back to the kernel meanwhile (`MADV_DONTNEED`): it is written,
    /// unless it is to be zero and shows zeros by itself. A page that is swapped out counts as written in a file's
    /// mapping, because a marker left by an earlier protection looks the same.
    pub(crate) fn make(
        &mut self,
        scan: &Scan,
        extents: &[Extent],
        areas: &[Area],
        everything: bool,
    ) -> Result<(), Outside> {
        self.pieces.clear();
        self.extras.clear();
        let complete = scan.complete;
        let mut sweep = Sweep { plan: self, extents, areas, complete, extent: 0, done: 0, area: 0 };
        for run in &scan.runs {
            sweep.run(run, everything)?;
        }
        sweep.missing_until(u64::MAX)
    }
}

struct Sweep<'a> {
    plan: &'a mut Plan,
    extents: &'a [Extent],
    areas: &'a [Area],
    /// What the scan does not list is not there.
    complete: bool,
    /// The extent that the sweep is at.
    extent: usize,
    /// Everything below has been dealt with.
    done: u64,
    area: usize,
}

impl Sweep<'_> {
    fn run(&mut self, run: &Run, everything: bool) -> Result<(), Outside> {
        self.missing_until(run.start)?;
        let mut at = run.start;
        while at < run.end {
            while self.extents.get(self.extent).is_some_and(|extent| extent.end <= at) {
                self.extent += 1;
            }
            match self.extents.get(self.extent) {
                Some(extent) if extent.start <= at => {
                    let end = run.end.min(extent.end);
                    // The kernel's page of zeros in the place of a saved page: given back, then read.
                    let emptied = run.zero && extent.content != Content::Zero;
                    if run.absent {
                        self.missing(extent, at, end)?;
                    } else if everything || run.dirty || emptied || (run.swapped && extent.file) {
                        self.piece(at, end)?;
                    }
                    at = end;
                }
                next => {
                    let end = next.map_or(run.end, |extent| run.end.min(extent.start));
                    self.extra(at, end, run)?;
                    at = end;
                }
            }
        }
        self.done = run.end;
        Ok(())
    }

    /// With a complete scan: pages of extents between what is done and `until` are not there any more.
    fn missing_until(&mut self, until: u64) -> Result<(), Outside> {
        while let Some(extent) = self.extents.get(self.extent).filter(|_| self.complete) {
            self.missing(extent, extent.start.max(self.done), extent.end.min(until))?;
            if extent.end > until {
                break;
            }
            self.extent += 1;
        }
        self.done = self.done.max(until);
        Ok(())
    }

    /// Pages of an extent that are not there: written, unless they are to be zero and show zeros by themselves.
    fn missing(&mut self, extent: &Extent, start: u64, end: u64) -> Result<(), Outside> {
        if start < end && (extent.content != Content::Zero || extent.file) {
            self.piece(start, end)?;
        }
        Ok(())
    }

    fn piece(&mut self, start: u64, end: u64) -> Result<(), Outside> {
        let area = self.area_at(start)?;
        let extent = self.extent;
        if let Some(last) = self.plan.pieces.last_mut()
            && (last.end, last.extent) == (start, extent)
        {
            last.end = end;
        } else {
            self.plan.pieces.push(Piece { start, end, extent, area });
        }
        Ok(())
    }

    fn extra(&mut self, start: u64, end: u64, run: &Run) -> Result<(), Outside> {
        if run.absent {
            return Ok(()); // a hole, of which a mapping has many
        }
        let mut at = start;
        while at < end {
            let area = self.area_at(at)?;
            let stop = end.min(self.areas[area].mapping.end);
            // The kernel's page of zeros is what reading memory that is not there gives.
            if !run.zero {
                self.plan.extras.push(Extra { start: at, end: stop, area });
            }
            at = stop;
        }
        Ok(())
    }

    fn area_at(&mut self, addr: u64) -> Result<usize, Outside> {
        while self.areas.get(self.area).is_some_and(|area| area.mapping.end <= addr) {
            self.area += 1;
        }
        match self.areas.get(self.area) {
            Some(area) if area.mapping.start <= addr => Ok(self.area),
            _ => Err(Outside(addr)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::vma::AreaKind;
    use groundhog_proc::smaps;
    use proptest::prelude::*;

    const P: u64 = 4096;

    type Ranges = Vec<(u64, u64)>;

    fn area(start: u64, end: u64) -> Area {
        let text = format!(
            "{:08x}-{:08x} rw-p 00000000 00:00 0 \nLazyFree: 0 kB\nVmFlags: rd wr mr mw me ac \n",
            start * P,
            end * P
        );
        let entry = smaps::parse(text.as_bytes()).expect("the sample parses").remove(0);
        let area = Area::new(entry.mapping, AreaKind::Anonymous, entry.flags);
        Area { followed: true, has_pages: true, ..area }
    }

    fn extent(start: u64, end: u64) -> Extent {
        let content = Content::Saved { chunk: 0, offset: 0 };
        Extent { start: start * P, end: end * P, index: 0, content, file: false }
    }

    fn run(start: u64, end: u64, dirty: bool) -> Run {
        Run { start: start * P, end: end * P, dirty, absent: false, zero: false, swapped: false }
    }

    fn plan(runs: &[Run], extents: &[Extent]) -> (Ranges, Ranges) {
        let mut plan = Plan::default();
        let scan = Scan { runs: runs.to_vec(), complete: true, ..Scan::default() };
        plan.make(&scan, extents, &[area(0, 100)], false).expect("all pages are in the area");
        let pages = |start: u64, end: u64| (start / P, end / P);
        (
            plan.pieces.iter().map(|piece| pages(piece.start, piece.end)).collect(),
            plan.extras.iter().map(|extra| pages(extra.start, extra.end)).collect(),
        )
    }

    #[test]
    fn clean_pages_need_nothing() {
        assert_eq!(plan(&[run(1, 5, false)], &[extent(1, 5)]), (vec![], vec![]));
    }

    #[test]
    fn dirty_pages_are_written_and_new_ones_are_extra() {
        assert_eq!(plan(&[run(0, 7, true)], &[extent(2, 4)]), (vec![(2, 4)], vec![(0, 2), (4, 7)]));
    }

    #[test]
    fn pages_that_vanished_are_written() {
        assert_eq!(plan(&[run(3, 4, false)], &[extent(1, 6)]), (vec![(1, 3), (4, 6)], vec![]));
    }

    #[test]
    fn vanished_pages_that_were_zero_need_nothing() {
        let zero = Extent { content: Content::Zero, ..extent(1, 6) };
        assert_eq!(plan(&[], &[zero]), (vec![], vec![]));
        let in_file = Extent { file: true, ..zero };
        assert_eq!(plan(&[], &[in_file]), (vec![(1, 6)], vec![]));
    }

    #[test]
    fn a_swapped_page_of_a_file_counts_as_written() {
        let swapped = Run { swapped: true, ..run(1, 2, false) };
        assert_eq!(plan(&[swapped], &[extent(1, 2)]), (vec![], vec![]));
        assert_eq!(plan(&[swapped], &[Extent { file: true, ..extent(1, 2) }]), (vec![(1, 2)], vec![]));
    }

    #[test]
    fn a_saved_page_that_became_the_page_of_zeros_is_written() {
        let emptied = Run { zero: true, ..run(1, 2, false) };
        assert_eq!(plan(&[emptied], &[extent(1, 2)]), (vec![(1, 2)], vec![]));
    }

    #[test]
    fn what_a_partial_scan_does_not_list_is_as_it_was() {
        let mut plan = Plan::default();
        let absent = Run { absent: true, ..run(3, 9, true) };
        let scan = Scan { runs: vec![run(1, 2, true), absent], ..Scan::default() };
        plan.make(&scan, &[extent(0, 5)], &[area(0, 100)], false).expect("all pages are in the area");
        let pieces: Vec<_> = plan.pieces.iter().map(|piece| (piece.start / P, piece.end / P)).collect();
        assert_eq!((pieces, plan.extras), (vec![(1, 2), (3, 5)], vec![]));
    }

    fn pages_of(ranges: &[(u64, u64)]) -> Vec<u64> {
        ranges.iter().flat_map(|(start, end)| *start..*end).collect()
    }

    proptest! {
        /// Page by page: written when it was saved and is dirty or gone, extra when it was not saved and is there.
        #[test]
        fn every_page_is_judged_by_itself(pages in prop::collection::vec((any::<bool>(), 0_u8..3), 1..60)) {
            let mut extents = Vec::new();
            let mut runs = Vec::new();
            for (at, (saved, state)) in pages.iter().enumerate() {
                let at = at as u64;
                if *saved { extents.push(extent(at, at + 1)); }
                if *state > 0 { runs.push(run(at, at + 1, *state == 2)); }
            }
            let (pieces, extras) = plan(&runs, &extents);
            let chosen = |wanted: &dyn Fn(bool, u8) -> bool| -> Vec<u64> {
                (0..pages.len() as u64).filter(|at| wanted(pages[*at as usize].0, pages[*at as usize].1)).collect()
            };
            prop_assert_eq!(pages_of(&pieces), chosen(&|saved, state| saved && state != 1));
            prop_assert_eq!(pages_of(&extras), chosen(&|saved, state| !saved && state != 0));
        }
    }
}
