//! Calls that remove mappings of the snapshot, so that others may take their place.
//!
//! A followed mapping loses its registration, which the tracker notices. Other mappings can come back the same to the letter
//! in the list of mappings, but with other flags: by way of a read-only descriptor, or without advice that was given.

use super::Facts;
use groundhog_sys::PAGE_SIZE;
use std::ops::Range;
use syscalls::Sysno;

const MAP_FIXED: u64 = 0x10;

/// Whether a call may remove a part of a mapping of the snapshot that is not followed.
pub(super) fn removes_unfollowed(number: Sysno, arguments: &[u64; 6], facts: &Facts) -> bool {
    let Facts { unfollowed, brk, .. } = facts;
    let [first, second, _, fourth, ..] = *arguments;
    match number {
        Sysno::munmap | Sysno::mremap | Sysno::remap_file_pages => meets(unfollowed, first, second),
        Sysno::mmap => fourth & MAP_FIXED != 0 && meets(unfollowed, first, second),
        // It takes whatever lies between the new break and the old one.
        Sysno::brk => first < *brk && meets(unfollowed, first, brk - first),
        // How much memory that is attached depends on the segment.
        Sysno::shmdt => !unfollowed.is_empty(),
        _ => false,
    }
}

fn meets(ranges: &[Range<u64>], start: u64, length: u64) -> bool {
    let end = start.saturating_add(length).checked_next_multiple_of(PAGE_SIZE).unwrap_or(u64::MAX);
    let next = ranges.partition_point(|range| range.end <= start);
    ranges.get(next).is_some_and(|range| range.start < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removes(number: Sysno, arguments: [u64; 4]) -> bool {
        let facts = Facts {
            unfollowed: vec![0x3000..0x4000, 0x8000..0xa000, 0x2_0000..0x2_1000],
            brk: 0xb000,
            ..Facts::default()
        };
        let [first, second, third, fourth] = arguments;
        removes_unfollowed(number, &[first, second, third, fourth, 0, 0], &facts)
    }

    #[test]
    fn what_overlaps_is_removed() {
        for number in [Sysno::munmap, Sysno::mremap, Sysno::remap_file_pages] {
            assert!(removes(number, [0x9000, 0x1000, 0, 0]) && removes(number, [0x2000, 0x1001, 0, 0]));
            assert!(removes(number, [0x2000, u64::MAX, 0, 0]) && removes(number, [0, 0x3_0000, 0, 0]));
            assert!(!removes(number, [0x4000, 0x4000, 0, 0]) && !removes(number, [0x2_1000, u64::MAX, 0, 0]));
        }
    }

    #[test]
    fn a_new_mapping_replaces_others_only_at_a_fixed_address() {
        assert!(removes(Sysno::mmap, [0x3000, 1, 0, 0x32]) && !removes(Sysno::mmap, [0x3000, 1, 0, 0x22]));
        assert!(!removes(Sysno::mprotect, [0x3000, 0x1000, 0, 0]));
    }

    #[test]
    fn the_break_removes_what_lies_above_it_in_the_heap() {
        assert!(removes(Sysno::brk, [0x9000, 0, 0, 0]) && removes(Sysno::brk, [0x3000, 0, 0, 0]));
        assert!(!removes(Sysno::brk, [0xa000, 0, 0, 0]) && !removes(Sysno::brk, [0xc000, 0, 0, 0]));
    }
}
