//! Large heaps in huge pages, so that a scan finds out about 512 pages at once.
//!
//! A scan looks at every page that is followed: 3 ns each, which is 0.8 ms a GiB, at every restore. A huge page that nobody writes is
//! one entry of the page tables; one that is written is split by the kernel at the first write to it, and its pages are followed one
//! by one from then on. So only what requests write costs. Where all pages are there, the kernel also has a quicker answer to which of
//! them are written: 1 ns each (see [`Tracker::note_whole`](super::tracking::Tracker::note_whole)).
//!
//! See `MADV_COLLAPSE` in madvise(2), Linux 6.1. What the kernel does not put together, for want of memory or because a huge page is
//! not wanted there, stays as it is.

use super::advice::COLLAPSE;
use super::pages::Extent;
use super::vma::{Area, AreaKind};
use crate::arch::call;
use crate::component::Stopped;
use crate::error::Step;
use std::time::{Duration, Instant};

const HUGE: u64 = 2 << 20;
/// From here on the scan is a large part of a restore.
const LEAST: u64 = 32 << 20;
/// From here on it is also worth what it costs to put pages together, which is to copy them: 1 to 2 ms for each huge page.
const LEAST_COLLAPSED: u64 = 256 << 20;
/// Of one range: it is asked for by a call of its own.
const LEAST_RANGE: u64 = 4 << 20;
/// At a time; between two it is looked how long it has taken.
const PIECE: u64 = 64 << 20;
/// How long the process may be stopped for it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Puts the pages of a stopped process together in these ranges of whole huge pages, if they are many.
pub(crate) fn collapse(stopped: &mut Stopped<'_>, ranges: &[(u64, u64)]) -> Step<()> {
    if total(ranges) < LEAST_COLLAPSED {
        return Ok(());
    }
    let begun = Instant::now();
    let mut remote = stopped.remote()?;
    for (start, end) in ranges.iter().copied().flat_map(in_pieces) {
        if begun.elapsed() > PATIENCE {
            break;
        }
        let _as_it_is = remote.call(call::MADVISE, [start, end - start, COLLAPSE, 0, 0, 0])?;
    }
    Ok(())
}

/// Ranges of whole huge pages, of which every page is there. None, if they are few. `extents`: all pages that are there.
pub(crate) fn whole_ranges(areas: &[Area], extents: &[Extent]) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    let anonymous = areas.iter().filter(|area| area.kind == AreaKind::Anonymous && !area.has_policy);
    for Area { mapping, .. } in anonymous {
        let first = extents.partition_point(|extent| extent.end <= mapping.start);
        let inside = extents[first..].iter().take_while(|extent| extent.start < mapping.end);
        let mut present: Option<(u64, u64)> = None;
        for extent in inside {
            let (start, stop) = (extent.start.max(mapping.start), extent.end.min(mapping.end));
            match &mut present {
                Some((_, end)) if *end == start => *end = stop,
                _ => found.extend(present.replace((start, stop)).and_then(whole)),
            }
        }
        found.extend(present.and_then(whole));
    }
    if total(&found) < LEAST {
        found.clear();
    }
    found
}

fn total(ranges: &[(u64, u64)]) -> u64 {
    ranges.iter().map(|(start, end)| end - start).sum()
}

/// The huge pages within a range, if that are some.
fn whole((start, end): (u64, u64)) -> Option<(u64, u64)> {
    let (start, end) = (start.next_multiple_of(HUGE), end / HUGE * HUGE);
    (end >= start + LEAST_RANGE).then_some((start, end))
}

fn in_pieces((start, end): (u64, u64)) -> impl Iterator<Item = (u64, u64)> {
    (start..end).step_by(PIECE as usize).map(move |at| (at, end.min(at + PIECE)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::pages::Content;
    use groundhog_proc::smaps;

    fn area(start: u64, end: u64) -> Area {
        let text = format!(
            "{:08x}-{:08x} rw-p 00000000 00:00 0 \nLazyFree: 0 kB\nVmFlags: rd wr mr mw me ac \n",
            start * HUGE,
            end * HUGE
        );
        let entry = smaps::parse(text.as_bytes()).expect("the sample parses").remove(0);
        Area::new(entry.mapping, AreaKind::Anonymous, entry.flags)
    }

    fn extent(start: u64, end: u64) -> Extent {
        Extent { start, end, index: 0, content: Content::Zero, file: false }
    }

    #[test]
    fn only_whole_huge_pages_of_large_heaps_count() {
        let areas = [area(1, 5), area(8, 200)];
        let extents = [
            extent(HUGE + 4096, 3 * HUGE),
            extent(3 * HUGE, 4 * HUGE),
            extent(8 * HUGE, 9 * HUGE - 4096),
            extent(9 * HUGE, 9 * HUGE + 4096),
            extent(9 * HUGE + 4096, 100 * HUGE + 8192),
            extent(150 * HUGE, 151 * HUGE),
        ];
        assert_eq!(whole_ranges(&areas, &extents), [(2 * HUGE, 4 * HUGE), (9 * HUGE, 100 * HUGE)]);
        assert_eq!(whole_ranges(&areas, &extents[..2]), [], "a small one");
    }

    #[test]
    fn mappings_that_touch_are_not_taken_for_one() {
        let areas = [area(0, 21), area(21, 42)];
        assert_eq!(
            whole_ranges(&areas, &[extent(0, 42 * HUGE - 4096)]),
            [(0, 21 * HUGE), (21 * HUGE, 41 * HUGE)]
        );
    }

    #[test]
    fn a_range_is_put_together_piece_by_piece() {
        let pieces: Vec<_> = in_pieces((HUGE, HUGE + 2 * PIECE + HUGE)).collect();
        let (first, second) = (HUGE + PIECE, HUGE + 2 * PIECE);
        assert_eq!(pieces, [(HUGE, first), (first, second), (second, second + HUGE)]);
    }
}
