//! What the kernel keeps of a private mapping beside its pages.
//!
//! The first page that is written in one gives it an `anon_vma`, its own or a neighbour's, which it keeps when the page is
//! given back. The kernel joins mappings only where theirs are the same, so that two which are made alike tell whether either
//! was ever written, and when. So each gets its own at the snapshot, and again where it was mapped anew.

use crate::arch::call;
use crate::component::Stopped;
use crate::error::Step;
use crate::memory::advice;
use crate::memory::layout;
use crate::memory::vma::{Area, AreaKind};
use crate::trace::process::Process;
use crate::trace::remote_syscall::Remote;
use groundhog_sys::process_vm::{self, Batch};
use groundhog_sys::{PAGE_SIZE, RemoteAddr};
use std::ops::Range;

/// Advice that keeps neighbours apart: its flag, how it is given, and how it is taken back.
const APART: [(&[u8; 2], u64, u64); 2] =
    [(b"dc", advice::DONTFORK, advice::DOFORK), (b"dd", advice::DONTDUMP, advice::DODUMP)];

/// Flags that do not keep neighbours from sharing one.
const PROTECTIONS: [&[u8; 2]; 4] = [b"rd", b"wr", b"ex", b"sd"];
/// Likewise, and those that may be others by now than at the snapshot: what is accounted for.
const CHANGING: [&[u8; 2]; 5] = [b"rd", b"wr", b"ex", b"sd", b"ac"];

/// Whether a mapping gets one.
pub(super) fn has_some(area: &Area) -> bool {
    matches!(area.kind, AreaKind::Anonymous | AreaKind::File | AreaKind::Wiped)
}

/// Writes what is there anyway into mappings that have no pages at the snapshot, and gives those back.
pub(super) fn write_and_give_back(stopped: &mut Stopped<'_>, areas: &[Area]) -> Step<()> {
    let mut remote = stopped.remote()?;
    for Range { start, end } in write(&mut remote, areas, &PROTECTIONS, |area| !area.has_pages)? {
        // Where it is locked, the page stays, and what it holds is the same.
        let _locked = remote.call(call::MADVISE, [start, end - start, advice::DONTNEED, 0, 0, 0])?;
    }
    Ok(())
}

/// Writes what is there anyway into those that a restore mapped `anew` as a whole, at once or in parts. The pages stay until the
/// restore comes to what was written. One that had pages at the snapshot, and was not `removed` by the request, gets its neighbour's
/// with them: as good as always they were one mapping before.
pub(super) fn write_anew(
    stopped: &mut Stopped<'_>,
    areas: &[Area],
    anew: &mut Vec<Range<u64>>,
    removed: &[Range<u64>],
) -> Step<()> {
    if anew.is_empty() {
        return Ok(());
    }
    join(anew);
    let is_wanted = |area: &Area| {
        layout::lies_within(&area.mapping, anew)
            && (!area.has_pages || layout::lies_within(&area.mapping, removed))
    };
    write(&mut stopped.remote()?, areas, &CHANGING, is_wanted).map(drop)
}

/// Puts ranges in order, as one those that meet.
fn join(ranges: &mut Vec<Range<u64>>) {
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, last| {
        let meets = next.start <= last.end;
        if meets {
            last.end = last.end.max(next.end);
        }
        meets
    });
}

/// Writes one byte each; says what has a page by that. `changing`: flags that may differ between neighbours that share one.
fn write(
    remote: &mut Remote<'_>,
    areas: &[Area],
    changing: &[&[u8; 2]],
    is_wanted: impl Fn(&Area) -> bool,
) -> Step<Vec<Range<u64>>> {
    let mut written: Vec<Range<u64>> = Vec::new();
    for (at, area) in areas.iter().enumerate().filter(|(_, area)| has_some(area) && is_wanted(area)) {
        let before = at.checked_sub(1).and_then(|at| areas.get(at));
        let neighbours: Vec<&Area> = [before, areas.get(at + 1)].into_iter().flatten().collect();
        let is_alike = neighbours.iter().any(|neighbour| may_share(area, neighbour, changing));
        let page = match apart(area, &neighbours).filter(|_| is_alike) {
            // While they differ in this, the kernel shares nothing between them.
            Some([away, back]) => {
                advice::give(remote, area.mapping.start, area.mapping.end, away)?;
                let page = write_one(remote.process(), area);
                advice::give(remote, area.mapping.start, area.mapping.end, back)?;
                page
            }
            None => write_one(remote.process(), area),
        };
        match (page, written.last_mut()) {
            (Some(next), Some(last)) if last.end == next.start => last.end = next.end,
            (Some(next), _) => written.push(next),
            (None, _) => {}
        }
    }
    Ok(written)
}

/// Whether the kernel might let neighbours share one: not if other flags differ than these.
fn may_share(one: &Area, other: &Area, changing: &[&[u8; 2]]) -> bool {
    let lasting = |area: &Area| {
        let mut codes: Vec<_> = area.flags.iter().filter(|code| !changing.contains(&code)).collect();
        codes.sort_unstable();
        codes
    };
    (one.mapping.device, one.mapping.inode) == (other.mapping.device, other.mapping.inode)
        && (one.mapping.end == other.mapping.start || other.mapping.end == one.mapping.start)
        && lasting(one) == lasting(other)
}

/// Advice that makes a mapping differ from its neighbours, and the one that takes it back.
fn apart(area: &Area, neighbours: &[&Area]) -> Option<[u64; 2]> {
    let same =
        |code: &[u8; 2]| neighbours.iter().all(|neighbour| neighbour.flags.has(code) == area.flags.has(code));
    let (code, give, take) = APART.into_iter().find(|(code, ..)| same(code))?;
    Some(if area.flags.has(code) { [take, give] } else { [give, take] })
}

/// Says what has a page by that, but for what keeps it until it is wiped.
fn write_one(process: &Process, area: &Area) -> Option<Range<u64>> {
    let start = area.mapping.start;
    let mut byte = [0];
    process_vm::read(process.pid, &process.files.mem, RemoteAddr(start), &mut byte).ok()?;
    let mut batch = Batch::new();
    batch.push(RemoteAddr(start), &byte);
    // What lies behind the end of its file has no pages, and never will.
    batch.write(process.pid, &process.files.mem).ok()?;
    match area.kind {
        // It may have been a large page.
        AreaKind::Anonymous => Some(start..area.mapping.end),
        AreaKind::File => Some(start..start + PAGE_SIZE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_meet_are_one() {
        let mut ranges = vec![5..7, 1..3, 2..4, 7..8, 10..11];
        join(&mut ranges);
        assert_eq!(ranges, [1..4, 5..8, 10..11]);
    }
}
