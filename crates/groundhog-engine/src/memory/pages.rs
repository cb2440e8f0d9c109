//! The contents of the snapshot: which private pages there were, and the bytes of those that were not all zero.
//!
//! ```text
//!   extents  [ start..end  Saved(chunk, offset) ][ start..end  Zero ] ...     ascending, apart or touching
//!   chunks   [ bytes of the first survey, one piece ][ adopted later ] ...
//!   index    one number per page of all extents, for per-page notes kept elsewhere
//! ```

use groundhog_sys::PAGE_SIZE;

/// What a run of pages held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Bytes at this offset of this chunk.
    Saved { chunk: usize, offset: usize },
    /// Zeros.
    Zero,
}

/// A run of pages that were private to the process at the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Number of its first page.
    pub(crate) index: usize,
    pub(crate) content: Content,
    /// In a mapping of a file: a page that is missing shows the file, not zeros.
    pub(crate) file: bool,
}

impl Extent {
    /// The number of the page at `addr`.
    pub(crate) fn index_of(&self, addr: u64) -> usize {
        self.index + ((addr - self.start) / PAGE_SIZE) as usize
    }
}

/// The pages of a snapshot.
#[derive(Debug, Default)]
pub(crate) struct PageStore {
    chunks: Vec<Vec<u8>>,
    extents: Vec<Extent>,
    indexed: usize,
}

impl PageStore {
    /// The runs, ascending.
    pub(crate) fn extents(&self) -> &[Extent] {
        &self.extents
    }

    /// How many pages all runs have.
    pub(crate) fn pages(&self) -> usize {
        self.indexed
    }

    /// How many pages are kept as bytes.
    pub(crate) fn saved_pages(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.len() as u64).sum::<u64>() / PAGE_SIZE
    }

    /// The bytes of `start..end`, which lie within the run; `None` for zeros.
    pub(crate) fn bytes(&self, extent: &Extent, start: u64, end: u64) -> Option<&[u8]> {
        match extent.content {
            Content::Zero => None,
            Content::Saved { chunk, offset } => {
                let from = offset + (start - extent.start) as usize;
                Some(&self.chunks[chunk][from..from + (end - start) as usize])
            }
        }
    }

    /// The kept bytes at `addr`, to be corrected; `None` where no bytes are kept.
    pub(crate) fn bytes_mut(&mut self, addr: u64, len: usize) -> Option<&mut [u8]> {
        let next = self.extents.partition_point(|extent| extent.start <= addr);
        let extent = self.extents[..next].last().filter(|extent| addr + len as u64 <= extent.end)?;
        let Content::Saved { chunk, offset } = extent.content else { return None };
        let from = offset + (addr - extent.start) as usize;
        Some(&mut self.chunks[chunk][from..from + len])
    }
}

/// Collects runs of pages, and keeps no bytes of those that are zero.
pub(crate) struct Collector {
    bytes: Vec<u8>,
    filled: usize,
    extents: Vec<Extent>,
    chunk: usize,
    /// Runs before this one are complete: a run does not reach across two calls, and so not across two mappings.
    seam: usize,
}

const PAGE: usize = PAGE_SIZE as usize;

fn is_zero(page: &[u8]) -> bool {
    page.as_chunks::<64>().0.iter().all(|piece| *piece == [0; 64])
}

impl Collector {
    /// Room for at most `pages` pages; memory that stays unused is never touched.
    pub(crate) fn new(store: &PageStore, pages: u64) -> Self {
        let mut bytes = vec![0; (pages * PAGE_SIZE) as usize];
        groundhog_sys::hugepage::advise(&mut bytes);
        Self { bytes, filled: 0, extents: Vec::new(), chunk: store.chunks.len(), seam: 0 }
    }

    /// Adds the run `start..end`; `read` fills a buffer with its bytes.
    pub(crate) fn add<E>(
        &mut self,
        start: u64,
        end: u64,
        file: bool,
        read: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let len = (end - start) as usize;
        let base = self.filled;
        self.seam = self.extents.len();
        read(&mut self.bytes[base..base + len])?;
        for at in (0..len).step_by(PAGE) {
            let here = base + at;
            let addr = start + at as u64;
            if is_zero(&self.bytes[here..here + PAGE]) {
                self.push(addr, Content::Zero, file);
            } else {
                let offset = self.filled;
                if offset != here {
                    self.bytes.copy_within(here..here + PAGE, offset);
                }
                self.filled += PAGE;
                self.push(addr, Content::Saved { chunk: self.chunk, offset }, file);
            }
        }
        Ok(())
    }

    /// Adds pages that are to be zero.
    pub(crate) fn add_zero(&mut self, start: u64, end: u64) {
        self.seam = self.extents.len();
        for addr in (start..end).step_by(PAGE) {
            self.push(addr, Content::Zero, false);
        }
    }

    /// Whether nothing was collected.
    pub(crate) fn is_empty(&self) -> bool {
        self.extents.is_empty()
    }

    fn push(&mut self, addr: u64, content: Content, file: bool) {
        if let Some(last) = self.extents[self.seam..].last_mut()
            && last.end == addr
            && last.file == file
            && follows(last, content)
        {
            last.end += PAGE_SIZE;
            return;
        }
        self.extents.push(Extent { start: addr, end: addr + PAGE_SIZE, index: 0, content, file });
    }
}

/// Whether content of the next page goes on where the run's ends.
fn follows(run: &Extent, next: Content) -> bool {
    match (run.content, next) {
        (Content::Zero, Content::Zero) => true,
        (Content::Saved { chunk, offset }, Content::Saved { chunk: next_chunk, offset: next_offset }) => {
            chunk == next_chunk && offset + (run.end - run.start) as usize == next_offset
        }
        _ => false,
    }
}

impl PageStore {
    /// Adds what was collected; the runs must not overlap those that are there. Existing page numbers stay.
    pub(crate) fn absorb(&mut self, mut collected: Collector) {
        collected.bytes.truncate(collected.filled);
        collected.bytes.shrink_to_fit();
        self.chunks.push(collected.bytes);
        for extent in &mut collected.extents {
            extent.index = self.indexed;
            self.indexed += ((extent.end - extent.start) / PAGE_SIZE) as usize;
        }
        self.extents.append(&mut collected.extents);
        self.extents.sort_unstable_by_key(|extent| extent.start);
    }
}

/// How many pages of two stretches of memory differ, but for bytes that are `excused`.
pub(crate) fn differing_pages(expected: Option<&[u8]>, found: &[u8], excused: impl Fn(usize) -> bool) -> u64 {
    let page = PAGE_SIZE as usize;
    let differs = |at: usize| {
        let found = &found[at..at + page];
        let expected = expected.map(|bytes| &bytes[at..at + page]);
        expected != Some(found)
            && (0..page)
                .any(|byte| expected.map_or(0, |bytes| bytes[byte]) != found[byte] && !excused(at + byte))
    };
    (0..found.len()).step_by(page).filter(|at| differs(*at)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A store of the given pages, collected in runs of neighbours.
    fn store(pages: &std::collections::BTreeMap<u64, u8>) -> PageStore {
        let mut store = PageStore::default();
        let mut collector = Collector::new(&store, pages.len() as u64);
        for (page, byte) in pages {
            let start = page * PAGE_SIZE;
            collector
                .add(start, start + PAGE_SIZE, false, |buffer| {
                    buffer.fill(*byte);
                    Ok::<(), ()>(())
                })
                .expect("reading does not fail");
        }
        store.absorb(collector);
        store
    }

    proptest! {
        #[test]
        fn what_was_collected_is_found_again(pages in prop::collection::btree_map(0_u64..64, 0_u8..3, 0..40)) {
            let store = store(&pages);
            let mut found = std::collections::BTreeMap::new();
            for extent in store.extents() {
                for addr in (extent.start..extent.end).step_by(PAGE) {
                    let byte = store.bytes(extent, addr, addr + PAGE_SIZE).map_or(0, |bytes| bytes[0]);
                    found.insert(addr / PAGE_SIZE, byte);
                }
            }
            prop_assert_eq!(found, pages.clone());
            prop_assert_eq!(store.saved_pages(), pages.values().filter(|byte| **byte != 0).count() as u64);
        }
    }

    #[test]
    fn adopted_pages_keep_the_order_and_the_old_numbers() {
        let mut store = store(&[(1, 1), (5, 5)].into());
        let mut more = Collector::new(&store, 0);
        more.add_zero(3 * PAGE_SIZE, 5 * PAGE_SIZE);
        store.absorb(more);
        let starts: Vec<u64> = store.extents().iter().map(|e| e.start / PAGE_SIZE).collect();
        assert_eq!(starts, [1, 3, 5]);
        let numbers: Vec<usize> = store.extents().iter().map(|e| e.index).collect();
        assert_eq!(numbers, [0, 2, 1]);
        assert_eq!(store.pages(), 4);
    }

    #[test]
    fn pages_are_counted_by_their_contents() {
        let page = PAGE_SIZE as usize;
        let mut found = vec![0; 3 * page];
        found[page + 5] = 1;
        assert_eq!(differing_pages(None, &found, |_| false), 1);
        assert_eq!(differing_pages(None, &found, |at| at == page + 5), 0);
        assert_eq!(differing_pages(Some(&found.clone()), &found, |_| false), 0);
        assert_eq!(differing_pages(Some(&vec![7; 3 * page]), &found, |_| false), 3);
    }
}
