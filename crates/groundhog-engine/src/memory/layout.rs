//! The difference between two lists of mappings: pure, so that it can be tested without a process.

use groundhog_proc::maps::{Mapping, Name};
use std::ops::Range;

/// One thing to do to get from the mappings of now to those of the snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Remove what the snapshot does not have.
    Unmap { start: u64, end: u64 },
    /// Put back a part of the snapshot's mapping number `area`.
    Map { start: u64, end: u64, area: usize },
    /// Protect as the snapshot's mapping number `area` is.
    Protect { start: u64, end: u64, area: usize },
    /// Name as the snapshot's mapping number `area` is named.
    Rename { start: u64, end: u64, area: usize },
}

/// What has to be done, in ascending order, but for mappings that were only split or joined: see [`seams`].
pub(crate) fn changes<'a>(
    snapshot: impl IntoIterator<Item = &'a Mapping>,
    now: impl IntoIterator<Item = &'a Mapping>,
) -> Vec<Change> {
    let snapshot: Vec<&Mapping> = snapshot.into_iter().collect();
    let now: Vec<&Mapping> = now.into_iter().collect();
    let mut cuts: Vec<u64> = snapshot.iter().chain(&now).flat_map(|m| [m.start, m.end]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let (mut before, mut after) = (0, 0);
    let mut changes: Vec<Change> = Vec::new();
    for pair in cuts.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        while before < snapshot.len() && snapshot[before].end <= start {
            before += 1;
        }
        while after < now.len() && now[after].end <= start {
            after += 1;
        }
        let old = snapshot.get(before).filter(|m| m.start <= start);
        let new = now.get(after).filter(|m| m.start <= start);
        let change = match (old, new) {
            (None, Some(_)) => Some(Change::Unmap { start, end }),
            (Some(_), None) => Some(Change::Map { start, end, area: before }),
            (Some(old), Some(new)) if !same_backing(old, new) => {
                Some(Change::Map { start, end, area: before })
            }
            (Some(old), Some(new)) if old.perms != new.perms => {
                Some(Change::Protect { start, end, area: before })
            }
            (Some(old), Some(new)) if given_name(old) != given_name(new) => {
                Some(Change::Rename { start, end, area: before })
            }
            _ => None,
        };
        if let Some(change) = change {
            push_joined(&mut changes, change);
        }
    }
    changes
}

/// Whether all of a mapping lies in one of some ranges that are in order, and apart.
pub(crate) fn lies_within(mapping: &Mapping, ranges: &[Range<u64>]) -> bool {
    let next = ranges.partition_point(|range| range.end < mapping.end);
    ranges.get(next).is_some_and(|range| range.start <= mapping.start)
}

/// Whether some of a mapping lies in one of some ranges.
pub(crate) fn meets(mapping: &Mapping, ranges: &[Range<u64>]) -> bool {
    ranges.iter().any(|range| range.start < mapping.end && mapping.start < range.end)
}

/// Where mappings end and begin, in ascending order, each place once.
pub(crate) fn seams<'a>(mappings: impl IntoIterator<Item = &'a Mapping>) -> Vec<u64> {
    let mut seams: Vec<u64> = mappings.into_iter().flat_map(|mapping| [mapping.start, mapping.end]).collect();
    seams.sort_unstable();
    seams.dedup();
    seams
}

/// What has to be done about mappings that were split or joined, where all else is as at the snapshot.
///
/// A split that the kernel does not mend by itself can tell a bit, and many of them leave no mappings for others. All pieces
/// but the largest are mapped anew; what has no pages yet, and is followed again, the kernel joins with its neighbours. With
/// `whole`, the mapping is mapped anew as one. Where two were joined, or there is one that the snapshot does not have, nothing
/// can be done: the place.
pub(crate) fn mended<'a>(
    snapshot: impl IntoIterator<Item = &'a Mapping>,
    before: &[u64],
    now: &[u64],
    whole: bool,
) -> Result<Vec<Change>, u64> {
    if let Some(joined) = before.iter().find(|seam| now.binary_search(seam).is_err()) {
        return Err(*joined);
    }
    let mut changes = Vec::new();
    let mut new = now.iter().filter(|seam| before.binary_search(seam).is_err()).peekable();
    for (area, mapping) in snapshot.into_iter().enumerate() {
        let mut ends = Vec::new();
        while let Some(seam) = new.next_if(|seam| **seam < mapping.end) {
            if *seam < mapping.start {
                return Err(*seam); // in no mapping of the snapshot, as of a process that is being killed
            }
            ends.push(*seam);
        }
        if ends.is_empty() {
            continue;
        }
        if whole {
            changes.push(Change::Map { start: mapping.start, end: mapping.end, area });
            continue;
        }
        let starts: Vec<u64> = std::iter::once(mapping.start).chain(ends.iter().copied()).collect();
        ends.push(mapping.end);
        let pieces: Vec<(u64, u64)> = starts.into_iter().zip(ends).collect();
        let largest = pieces.iter().max_by_key(|(start, end)| end - start).copied();
        let others = pieces.into_iter().filter(|piece| Some(*piece) != largest);
        changes.extend(others.map(|(start, end)| Change::Map { start, end, area }));
    }
    new.next().map_or(Ok(changes), |seam| Err(*seam))
}

/// Appends a change, as one with its neighbour where that is the same thing next door.
fn push_joined(changes: &mut Vec<Change>, change: Change) {
    use Change::{Map, Protect, Rename, Unmap};
    match (changes.last_mut(), &change) {
        (Some(Unmap { end, .. }), Unmap { start, end: new_end }) if *end == *start => *end = *new_end,
        (Some(Map { end, area, .. }), Map { start, end: new_end, area: other })
        | (Some(Protect { end, area, .. }), Protect { start, end: new_end, area: other })
        | (Some(Rename { end, area, .. }), Rename { start, end: new_end, area: other })
            if *end == *start && *area == *other =>
        {
            *end = *new_end;
        }
        _ => changes.push(change),
    }
}

/// Whether two overlapping mappings show the same thing at the same address.
fn same_backing(old: &Mapping, new: &Mapping) -> bool {
    if old.perms.shared != new.perms.shared || old.device != new.device || old.inode != new.inode {
        return false;
    }
    match (&old.name, &new.name) {
        (Name::Path { path: a, .. }, Name::Path { path: b, .. }) => {
            // By path too: an inode number may be used again.
            a == b && is_same_part(old, new)
        }
        (a, b) if is_anonymous(a) && is_anonymous(b) => true,
        // Shared memory, whose name may have been taken away.
        (Name::NamedShmem(_), _) | (_, Name::NamedShmem(_)) => is_same_part(old, new),
        (a, b) => a == b,
    }
}

/// Whether two mappings of a file show the same part of it at the same address.
fn is_same_part(old: &Mapping, new: &Mapping) -> bool {
    old.offset.wrapping_sub(old.start) == new.offset.wrapping_sub(new.start)
}

/// Heap and stack are labels that move with `brk` and the stack pointer; what lies there is anonymous memory.
fn is_anonymous(name: &Name) -> bool {
    matches!(name, Name::Anonymous | Name::NamedAnonymous(_) | Name::Heap | Name::Stack)
}

fn given_name(mapping: &Mapping) -> Option<&[u8]> {
    match &mapping.name {
        Name::NamedAnonymous(name) | Name::NamedShmem(name) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundhog_proc::maps::parse;

    fn diff(snapshot: &str, now: &str) -> Vec<Change> {
        let parse = |text: &str| parse(text.as_bytes()).expect("the sample parses");
        changes(&parse(snapshot), &parse(now))
    }

    const LIB: &str = "7f0000000000-7f0000002000 r-xp 00001000 fe:00 77 /lib/x.so\n";

    #[test]
    fn equal_mappings_need_nothing() {
        assert_eq!(diff(LIB, LIB), []);
    }

    fn mend(snapshot: &str, now: &str) -> Result<Vec<Change>, u64> {
        let parse = |text: &str| parse(text.as_bytes()).expect("the sample parses");
        let (snapshot, now) = (parse(snapshot), parse(now));
        mended(&snapshot, &seams(&snapshot), &seams(&now), false)
    }

    #[test]
    fn the_smaller_pieces_of_a_split_mapping_are_mapped_anew() {
        let whole = "1000-6000 rw-p 00000000 00:00 0 \n";
        let split = "1000-2000 rw-p 00000000 00:00 0 \n2000-5000 rw-p 00000000 00:00 0 \n5000-6000 rw-p 00000000 00:00 0 \n";
        assert_eq!(diff(whole, split), []);
        let piece = |start, end| Change::Map { start, end, area: 0 };
        assert_eq!(mend(whole, split), Ok(vec![piece(0x1000, 0x2000), piece(0x5000, 0x6000)]));
        assert_eq!(mend(whole, whole), Ok(vec![]));
        let parse = |text: &str| parse(text.as_bytes()).expect("the sample parses");
        let (before, now) = (parse(whole), parse(split));
        assert_eq!(mended(&before, &seams(&before), &seams(&now), true), Ok(vec![piece(0x1000, 0x6000)]));
    }

    #[test]
    fn joined_mappings_cannot_be_parted() {
        let two = "1000-2000 rw-p 00000000 00:00 0 \n2000-3000 rw-p 00000000 00:00 0 \n";
        let one = "1000-3000 rw-p 00000000 00:00 0 \n";
        assert_eq!(mend(two, one), Err(0x2000));
    }

    #[test]
    fn what_lies_in_no_mapping_of_the_snapshot_cannot_be_mended() {
        let one = "5000-6000 rw-p 00000000 00:00 0 \n";
        let (below, above) = ("1000-2000 rw-p 00000000 00:00 0 \n", "8000-9000 rw-p 00000000 00:00 0 \n");
        assert_eq!(mend(one, &format!("{below}{one}")), Err(0x1000));
        assert_eq!(mend(one, &format!("{one}{above}")), Err(0x8000));
    }

    #[test]
    fn added_mappings_next_to_each_other_are_removed_at_once() {
        let now = "1000-2000 rw-p 00000000 00:00 0 \n2000-3000 r--p 00000000 00:00 0 \n";
        assert_eq!(diff("", now), [Change::Unmap { start: 0x1000, end: 0x3000 }]);
    }

    #[test]
    fn a_hole_is_filled_from_the_mapping_it_was_in() {
        let old = "1000-5000 rw-p 00000000 00:00 0 \n";
        let now = "1000-2000 rw-p 00000000 00:00 0 \n3000-5000 rw-p 00000000 00:00 0 \n";
        assert_eq!(diff(old, now), [Change::Map { start: 0x2000, end: 0x3000, area: 0 }]);
    }

    #[test]
    fn another_file_offset_at_the_same_address_is_put_right() {
        let now = "7f0000000000-7f0000002000 r-xp 00000000 fe:00 77 /lib/x.so\n";
        assert_eq!(diff(LIB, now), [Change::Map { start: 0x7f00_0000_0000, end: 0x7f00_0000_2000, area: 0 }]);
    }

    #[test]
    fn another_part_of_named_shared_memory_is_put_right() {
        let shown = |offset: &str, name: &str| format!("1000-2000 rw-s {offset} 00:01 77 {name}\n");
        let named = shown("00001000", "[anon_shmem:hog]");
        assert_eq!(
            diff(&named, &shown("00000000", "[anon_shmem:hog]")),
            [Change::Map { start: 0x1000, end: 0x2000, area: 0 }]
        );
        assert_eq!(
            diff(&named, &shown("00001000", "/dev/zero (deleted)")),
            [Change::Rename { start: 0x1000, end: 0x2000, area: 0 }]
        );
    }

    #[test]
    fn a_changed_protection_is_put_back_where_it_changed() {
        let old = "1000-5000 rw-p 00000000 00:00 0 \n";
        let now = "1000-2000 rw-p 00000000 00:00 0 \n2000-3000 ---p 00000000 00:00 0 \n3000-5000 rw-p 00000000 00:00 0 \n";
        assert_eq!(diff(old, now), [Change::Protect { start: 0x2000, end: 0x3000, area: 0 }]);
    }

    #[test]
    fn private_and_shared_are_not_the_same_thing() {
        let now = "7f0000000000-7f0000002000 r-xs 00001000 fe:00 77 /lib/x.so\n";
        assert!(matches!(diff(LIB, now)[..], [Change::Map { .. }]));
    }

    #[test]
    fn the_heap_may_be_called_anonymous() {
        assert_eq!(
            diff("1000-2000 rw-p 00000000 00:00 0 [heap]\n", "1000-2000 rw-p 00000000 00:00 0 \n"),
            []
        );
    }

    #[test]
    fn a_lost_name_is_given_again() {
        let old = "1000-2000 rw-p 00000000 00:00 0 [anon:arena]\n";
        let now = "1000-2000 rw-p 00000000 00:00 0 \n";
        assert_eq!(diff(old, now), [Change::Rename { start: 0x1000, end: 0x2000, area: 0 }]);
    }

    #[test]
    fn a_grown_stack_is_cut_off() {
        let old = "7ffd00004000-7ffd00008000 rw-p 00000000 00:00 0 [stack]\n";
        let now = "7ffd00001000-7ffd00008000 rw-p 00000000 00:00 0 [stack]\n";
        assert_eq!(diff(old, now), [Change::Unmap { start: 0x7ffd_0000_1000, end: 0x7ffd_0000_4000 }]);
    }
}
