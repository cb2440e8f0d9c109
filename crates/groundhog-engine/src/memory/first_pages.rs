//! What the kernel keeps of a private mapping beside its pages.
//!
//! The first page that is written in one gives it an `anon_vma`, its own or a neighbour's, which it keeps when the page is
//! given back. The kernel joins mappings only where theirs are the same, so that two which are made alike tell whether either
//! was ever written, and when. So each gets its own at the snapshot, and again where it was mapped anew.

use crate::arch::call;
use crate::component::Stopped;
use crate::error::Step;
use crate::memory::vma::{Area, AreaKind};
use crate::trace::remote_syscall::Remote;
use groundhog_sys::process_vm::{self, Batch};
use groundhog_sys::{PAGE_SIZE, RemoteAddr};

const MADV_DONTNEED: u64 = 4;

/// Advice that keeps neighbours apart: its flag, how it is given, and how it is taken back.
const APART: [(&[u8; 2], u64, u64); 2] = [(b"dc", 10, 11), (b"dd", 16, 17)];

/// Whether a mapping gets one.
pub(super) fn has_some(area: &Area) -> bool {
    matches!(area.kind, AreaKind::Anonymous | AreaKind::File | AreaKind::Wiped)
}

/// Writes what is there anyway into mappings that have no pages of their own, and gives those back.
pub(super) fn write(
    stopped: &mut Stopped<'_>,
    areas: &[Area],
    is_wanted: impl Fn(&Area) -> bool,
) -> Step<()> {
    let mut remote = stopped.remote()?;
    for (at, area) in areas.iter().enumerate().filter(|(_, area)| has_some(area) && is_wanted(area)) {
        let before = at.checked_sub(1).and_then(|at| areas.get(at));
        let neighbours: Vec<&Area> = [before, areas.get(at + 1)].into_iter().flatten().collect();
        match apart(area, &neighbours) {
            // While they differ in this, the kernel shares nothing between them.
            Some([away, back]) => {
                remote.must("madvise", call::MADVISE, advice(area, away))?;
                write_one(&mut remote, area)?;
                remote.must("madvise", call::MADVISE, advice(area, back))?;
            }
            None => write_one(&mut remote, area)?,
        }
    }
    Ok(())
}

/// Advice that makes a mapping differ from its neighbours, and the one that takes it back.
fn apart(area: &Area, neighbours: &[&Area]) -> Option<[u64; 2]> {
    let same =
        |code: &[u8; 2]| neighbours.iter().all(|neighbour| neighbour.flags.has(code) == area.flags.has(code));
    let (code, give, take) = APART.into_iter().find(|(code, ..)| same(code))?;
    Some(if area.flags.has(code) { [take, give] } else { [give, take] })
}

fn advice(area: &Area, advice: u64) -> [u64; 6] {
    [area.mapping.start, area.mapping.len(), advice, 0, 0, 0]
}

fn write_one(remote: &mut Remote<'_>, area: &Area) -> Step<()> {
    let start = area.mapping.start;
    let process = remote.process();
    let mut byte = [0];
    let is_there = process_vm::read(process.pid, &process.files.mem, RemoteAddr(start), &mut byte).is_ok();
    let mut batch = Batch::new();
    batch.push(RemoteAddr(start), &byte);
    // What lies behind the end of its file has no pages, and never will.
    if !is_there || batch.write(process.pid, &process.files.mem).is_err() {
        return Ok(());
    }
    // In memory without a file it may have been a large page.
    let length = match area.kind {
        AreaKind::Anonymous => area.mapping.len(),
        AreaKind::File => PAGE_SIZE,
        _ => return Ok(()), // what it holds until it is wiped stays
    };
    // Where it is locked, the page stays, and what it holds is the same.
    let _locked = remote.call(call::MADVISE, [start, length, MADV_DONTNEED, 0, 0, 0])?;
    Ok(())
}
