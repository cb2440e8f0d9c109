//! What copying memory costs on this machine: the yardstick for every restore.

use crate::kernel_types::PAGE_SIZE;
use std::time::{Duration, Instant};

/// Copies `pages` scattered pages of memory that is in no cache; the time for all of them.
///
/// Source and destination are each eight times as large as what is copied, and the pages are taken in a stride, so
/// that neither side has been touched lately.
#[must_use]
pub fn memcpy_uncached(pages: usize) -> Duration {
    let page = PAGE_SIZE as usize;
    let total = pages * 8;
    let source = vec![1_u8; total * page];
    let mut destination = vec![2_u8; total * page];
    let start = Instant::now();
    for index in 0..pages {
        let at = (index * 5 % total) * page;
        destination[at..at + page].copy_from_slice(&source[at..at + page]);
        std::hint::black_box(&mut destination[at..at + page]);
    }
    start.elapsed()
}
