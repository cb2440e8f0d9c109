//! Calls that remove mappings of the snapshot, so that others may take their place.
//!
//! These can be the same to the letter in the list of mappings. Of what is followed the tracker notices that the registration
//! is lost, but not what the kernel keeps beside pages (see `memory::first_pages`). Of other mappings it notices nothing, and
//! the flags may be others: by way of a read-only descriptor, or without advice that was given.

use super::Facts;
use crate::syscalls::observed::Observed;
use groundhog_sys::PAGE_SIZE;
use std::ops::Range;
use syscalls::Sysno;

const MAP_FIXED: u64 = 0x10;
const MREMAP_FIXED: u64 = 2;
/// How many ranges are kept apart: as many as there are mappings by default. A call may name any, whatever is there.
const MAX_RANGES: usize = 1 << 16;

/// Books what a call may remove of the snapshot's mappings.
pub(super) fn book(number: Sysno, arguments: &[u64; 6], facts: &Facts, seen: &mut Observed) {
    for range in removed(number, arguments, facts.brk).into_iter().flatten() {
        let next = facts.unfollowed.partition_point(|other| other.end <= range.start);
        seen.mapping_flags |= facts.unfollowed.get(next).is_some_and(|other| other.start < range.end);
        let next = facts.mappings.partition_point(|other| other.1 <= range.start);
        if facts.mappings.get(next).is_some_and(|other| other.0 < range.end) {
            note(&mut seen.removed, range);
        }
    }
    // How much memory that is attached depends on the segment.
    seen.mapping_flags |= number == Sysno::shmdt && !facts.unfollowed.is_empty();
}

/// Which addresses a call may take mappings away from, in whole pages.
fn removed(number: Sysno, arguments: &[u64; 6], brk: u64) -> [Option<Range<u64>>; 2] {
    let [first, second, third, fourth, fifth, _] = *arguments;
    let range = |start: u64, length: u64| {
        let end = start.saturating_add(length).checked_next_multiple_of(PAGE_SIZE).unwrap_or(u64::MAX);
        Some(start..end)
    };
    match number {
        Sysno::mmap if fourth & MAP_FIXED != 0 => [range(first, second), None],
        Sysno::mremap if fourth & MREMAP_FIXED != 0 => [range(first, second), range(fifth, third)],
        Sysno::munmap | Sysno::remap_file_pages | Sysno::mremap => [range(first, second), None],
        // It takes whatever lies between the new break and the old one. By 0 it is only asked for.
        Sysno::brk if first != 0 && first < brk => {
            [range(first.next_multiple_of(PAGE_SIZE), brk - first), None]
        }
        _ => [None, None],
    }
}

/// Adds a range to others that are in order and apart, as one with those that it meets. Of too many, all between them counts, too.
pub(super) fn note(ranges: &mut Vec<Range<u64>>, mut range: Range<u64>) {
    let first = ranges.partition_point(|other| other.end < range.start);
    let last = ranges.partition_point(|other| other.start <= range.end);
    if let (Some(from), Some(to)) = (ranges[first..last].first(), ranges[first..last].last()) {
        range = range.start.min(from.start)..range.end.max(to.end);
    }
    ranges.splice(first..last, [range]);
    if ranges.len() > MAX_RANGES
        && let Some(highest) = ranges.pop()
    {
        ranges.truncate(1);
        ranges[0].end = highest.end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn booked(calls: &[(Sysno, [u64; 5])]) -> Observed {
        let facts = Facts {
            mappings: vec![(0x3000, 0x6000), (0x8000, 0xa000), (0x2_0000, 0x2_1000)],
            unfollowed: vec![0x3000..0x4000, 0x8000..0xa000, 0x2_0000..0x2_1000],
            brk: 0xb000,
            ..Facts::default()
        };
        let mut seen = Observed::default();
        for (number, [first, second, third, fourth, fifth]) in calls {
            book(*number, &[*first, *second, *third, *fourth, *fifth, 0], &facts, &mut seen);
        }
        seen
    }

    fn sees_flags(number: Sysno, arguments: [u64; 5]) -> bool {
        booked(&[(number, arguments)]).mapping_flags
    }

    #[test]
    fn what_overlaps_is_removed() {
        for number in [Sysno::munmap, Sysno::mremap, Sysno::remap_file_pages] {
            assert!(
                sees_flags(number, [0x9000, 0x1000, 0, 0, 0])
                    && sees_flags(number, [0x2000, 0x1001, 0, 0, 0])
            );
            assert!(
                sees_flags(number, [0x2000, u64::MAX, 0, 0, 0]) && sees_flags(number, [0, 0x3_0000, 0, 0, 0])
            );
            assert!(!sees_flags(number, [0x4000, 0x4000, 0, 0, 0]));
            assert!(!sees_flags(number, [0x2_1000, u64::MAX, 0, 0, 0]));
        }
        assert!(sees_flags(Sysno::mremap, [0x7_0000, 0x1000, 0x1000, 3, 0x3000]));
        assert!(!sees_flags(Sysno::mremap, [0x7_0000, 0x1000, 0x1000, 1, 0x3000]));
    }

    #[test]
    fn a_new_mapping_replaces_others_only_at_a_fixed_address() {
        assert!(
            sees_flags(Sysno::mmap, [0x3000, 1, 0, 0x32, 0])
                && !sees_flags(Sysno::mmap, [0x3000, 1, 0, 0x22, 0])
        );
        assert!(!sees_flags(Sysno::mprotect, [0x3000, 0x1000, 0, 0, 0]));
    }

    #[test]
    fn the_break_removes_what_lies_above_it_in_the_heap() {
        assert!(!sees_flags(Sysno::brk, [0; 5]), "it is only asked for");
        assert!(sees_flags(Sysno::brk, [0x9000, 0, 0, 0, 0]) && sees_flags(Sysno::brk, [0x3000, 0, 0, 0, 0]));
        assert!(
            !sees_flags(Sysno::brk, [0xa000, 0, 0, 0, 0]) && !sees_flags(Sysno::brk, [0xc000, 0, 0, 0, 0])
        );
    }

    #[test]
    fn what_is_noted_again_takes_no_more_room() {
        let mut ranges = Vec::new();
        for round in 0..1000 {
            note(&mut ranges, 0x3000 + round % 2 * 0x2000..0x4000 + round % 2 * 0x2000);
        }
        assert_eq!(ranges, [0x3000..0x4000, 0x5000..0x6000]);
    }

    #[test]
    fn what_is_noted_takes_no_more_than_some_room() {
        let piece = |number: usize| number as u64 * 0x2000..number as u64 * 0x2000 + 0x1000;
        let mut ranges: Vec<_> = (1..=MAX_RANGES).map(piece).collect();
        note(&mut ranges, piece(1));
        assert_eq!(ranges.len(), MAX_RANGES);
        note(&mut ranges, piece(0));
        assert_eq!(ranges, std::slice::from_ref(&(0..piece(MAX_RANGES).end)));
    }

    #[test]
    fn what_is_removed_in_pieces_is_removed_as_a_whole() {
        let removed = |calls: &[(Sysno, [u64; 5])]| booked(calls).removed;
        let piece = |start| (Sysno::munmap, [start, 0x1000, 0, 0, 0]);
        assert_eq!(removed(&[piece(0x3000), piece(0x5000)]), [0x3000..0x4000, 0x5000..0x6000]);
        let whole = 0x3000..0x6000;
        assert_eq!(removed(&[piece(0x3000), piece(0x5000), piece(0x4000)]), std::slice::from_ref(&whole));
        assert_eq!(removed(&[piece(0x6000), piece(0x7_0000)]), []);
    }
}
