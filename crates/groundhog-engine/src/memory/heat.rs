//! Hot pages: those that most requests write.
//!
//! A write to a protected page costs the request a fault. So a page that was written twice within a few requests
//! becomes hot: it is not protected again, counts as written ever after, and is copied back at every restore. Now and
//! then a sample of hot pages is protected, to see whether requests still write them; those that they do not write
//! stay protected and are cold again.

use crate::memory::pages::Extent;
use crate::memory::plan::Piece;
use groundhog_sys::PAGE_SIZE;

/// Two writes within this many restores make a page hot.
const RECENT: u32 = 16;
/// Restores between two samples; doubled while samples find nothing to cool.
const SAMPLE_EVERY: u32 = 256;
const MAX_INTERVAL: u32 = 8192;
/// One in this many hot pages is sampled.
const SAMPLE: usize = 8;

#[derive(Clone, Copy, Debug, Default)]
struct Page {
    /// The restore that last found it written; 0: none.
    written: u32,
    hot: bool,
}

/// The notes on every page of the snapshot.
#[derive(Debug)]
pub(crate) struct Heat {
    pages: Vec<Page>,
    now: u32,
    hot: u64,
    hot_before_sample: u64,
    next_sample: u32,
    interval: u32,
    phase: usize,
}

impl Heat {
    /// All pages cold.
    pub(crate) fn new(pages: usize) -> Self {
        Self {
            pages: vec![Page::default(); pages],
            now: RECENT + 1,
            hot: 0,
            hot_before_sample: 0,
            next_sample: RECENT + 1 + SAMPLE_EVERY,
            interval: SAMPLE_EVERY,
            phase: 0,
        }
    }

    /// Makes room for adopted pages.
    pub(crate) fn grow(&mut self, pages: usize) {
        self.pages.resize(pages, Page::default());
    }

    /// How many pages are hot.
    pub(crate) fn hot_pages(&self) -> u64 {
        self.hot
    }

    /// Notes the pages that were written, appends those to protect, and says how many of them had been protected.
    pub(crate) fn note<'a>(
        &mut self,
        written: impl Iterator<Item = &'a Piece>,
        extents: &[Extent],
        protect: &mut Vec<(u64, u64)>,
    ) -> u64 {
        self.now = self.now.saturating_add(1);
        let mut faulted = 0;
        for piece in written {
            let first = extents[piece.extent].index_of(piece.start);
            for at in 0..((piece.end - piece.start) / PAGE_SIZE) as usize {
                let page = &mut self.pages[first + at];
                if page.hot {
                    continue;
                }
                faulted += 1;
                if self.now - page.written <= RECENT && page.written != 0 {
                    page.hot = true;
                    self.hot += 1;
                } else {
                    push_page(protect, piece.start + at as u64 * PAGE_SIZE);
                }
                page.written = self.now;
            }
        }
        if self.now >= self.next_sample {
            self.sample(extents, protect);
        }
        faulted
    }

    /// Protects one in [`SAMPLE`] hot pages. Those written by the next request are hot again at once.
    fn sample(&mut self, extents: &[Extent], protect: &mut Vec<(u64, u64)>) {
        self.interval = if self.hot >= self.hot_before_sample {
            (self.interval * 2).min(MAX_INTERVAL)
        } else {
            SAMPLE_EVERY
        };
        self.next_sample = self.now.saturating_add(self.interval);
        self.hot_before_sample = self.hot;
        self.phase = (self.phase + 1) % SAMPLE;
        for extent in extents {
            for addr in (extent.start..extent.end).step_by(PAGE_SIZE as usize) {
                let index = extent.index_of(addr);
                let page = &mut self.pages[index];
                if page.hot && index % SAMPLE == self.phase {
                    page.hot = false;
                    page.written = self.now;
                    self.hot -= 1;
                    push_page(protect, addr);
                }
            }
        }
        protect.sort_unstable();
    }
}

fn push_page(ranges: &mut Vec<(u64, u64)>, addr: u64) {
    match ranges.last_mut() {
        Some((_, end)) if *end == addr => *end += PAGE_SIZE,
        _ => ranges.push((addr, addr + PAGE_SIZE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::pages::Content;

    const P: u64 = PAGE_SIZE;

    struct Bench {
        heat: Heat,
        extents: Vec<Extent>,
    }

    impl Bench {
        fn new(pages: u64) -> Self {
            let extent = Extent { start: 0, end: pages * P, index: 0, content: Content::Zero, file: false };
            Self { heat: Heat::new(pages as usize), extents: vec![extent] }
        }

        /// One restore after a request that wrote these pages; answers (faults, protected ranges in pages).
        fn restore(&mut self, written: &[u64]) -> (u64, Vec<(u64, u64)>) {
            let piece = |page: &u64| Piece { start: page * P, end: (page + 1) * P, extent: 0, area: 0 };
            let pieces: Vec<Piece> = written.iter().map(piece).collect();
            let mut protect = Vec::new();
            let faulted = self.heat.note(pieces.iter(), &self.extents, &mut protect);
            (faulted, protect.iter().map(|(start, end)| (start / P, end / P)).collect())
        }
    }

    #[test]
    fn a_page_written_twice_is_not_protected_again() {
        let mut bench = Bench::new(8);
        assert_eq!(bench.restore(&[2, 3]), (2, vec![(2, 4)]));
        assert_eq!(bench.restore(&[2, 3]), (2, vec![]));
        assert_eq!(bench.restore(&[2, 3]), (0, vec![]));
        assert_eq!(bench.heat.hot_pages(), 2);
    }

    #[test]
    fn a_page_written_rarely_stays_protected() {
        let mut bench = Bench::new(8);
        for _ in 0..5 {
            assert_eq!(bench.restore(&[4]), (1, vec![(4, 5)]));
            for _ in 0..=RECENT {
                bench.restore(&[]);
            }
        }
        assert_eq!(bench.heat.hot_pages(), 0);
    }

    #[test]
    fn hot_pages_that_are_not_written_any_more_cool_down() {
        let mut bench = Bench::new(16);
        let all: Vec<u64> = (0..16).collect();
        bench.restore(&all);
        bench.restore(&all);
        assert_eq!(bench.heat.hot_pages(), 16);
        // From now on only page 0 is really written. The scan reports every unprotected page as written.
        for _ in 0..20_000 {
            let hot: Vec<u64> =
                all.iter().copied().filter(|page| bench.heat.pages[*page as usize].hot).collect();
            let written = if hot.contains(&0) { hot } else { [vec![0], hot].concat() };
            bench.restore(&written);
        }
        assert_eq!(bench.heat.hot_pages(), 1);
        assert!(bench.heat.pages[0].hot);
    }

    #[test]
    fn samples_become_rare_while_everything_stays_hot() {
        let mut bench = Bench::new(16);
        let all: Vec<u64> = (0..16).collect();
        let faults: u64 = (0..4096).map(|_| bench.restore(&all).0).sum();
        assert!(faults < 64, "{faults} faults");
        assert_eq!(bench.heat.hot_pages(), 16);
    }
}
