//! How much of private memory was written, without putting anything back.

use super::{Extra, Memory, Piece};
use crate::error::{Reason, Step, Trouble};
use crate::memory::pages::differing_pages;
use crate::memory::shared;
use crate::memory::tracking::Tracker;
use crate::memory::vma::{Area, AreaKind};
use crate::trace::process::Process;
use groundhog_sys::process_vm;
use groundhog_sys::ptrace::RseqArea;
use groundhog_sys::{PAGE_SIZE, RemoteAddr};

/// How much is read at a time.
const WINDOW: u64 = 256 * PAGE_SIZE;

impl Memory {
    /// How many pages of each area differ from the snapshot. The areas are those of the snapshot and what was mapped
    /// besides; nothing is changed that a restore goes by.
    pub(crate) fn written(
        &mut self,
        process: &Process,
        rseq: &[RseqArea],
        areas: &[Area],
        tracker: &mut dyn Tracker,
    ) -> Step<Vec<u64>> {
        tracker.survey(process, areas, &mut self.scan)?;
        self.plan.make(&self.scan, self.store.extents(), areas, false).map_err(|outside| moved(outside.0))?;
        let mut pages = vec![0; areas.len()];
        for Piece { start, end, extent, area } in &self.plan.pieces {
            let extent = &self.store.extents()[*extent];
            for (from, to) in windows(*start, *end) {
                let expected = self.store.bytes(extent, from, to);
                pages[*area] += differing(process, rseq, expected, from, to);
            }
        }
        for Extra { start, end, area } in &self.plan.extras {
            pages[*area] += match areas[*area].kind {
                AreaKind::Anonymous => {
                    windows(*start, *end).map(|(from, to)| differing(process, rseq, None, from, to)).sum()
                }
                AreaKind::File => {
                    let private = tracker.private_within(process, *start, *end)?;
                    private.iter().map(|(from, to)| (to - from) / PAGE_SIZE).sum()
                }
                AreaKind::Wiped | AreaKind::Vdso => (end - start) / PAGE_SIZE,
                AreaKind::Shared | AreaKind::SharedReadOnly | AreaKind::Kernel => 0,
            };
        }
        Ok(pages)
    }
}

fn windows(start: u64, end: u64) -> impl Iterator<Item = (u64, u64)> {
    (start..end).step_by(WINDOW as usize).map(move |from| (from, end.min(from + WINDOW)))
}

/// Pages that cannot be read are not there any more: they differ.
fn differing(process: &Process, rseq: &[RseqArea], expected: Option<&[u8]>, start: u64, end: u64) -> u64 {
    let mut found = vec![0; (end - start) as usize];
    let excused = |from: u64| move |at: usize| shared::kernel_writes(rseq, from + at as u64);
    let read = |from: u64, bytes: &mut [u8]| {
        process_vm::read(process.pid, &process.files.mem, RemoteAddr(from), bytes)
    };
    if read(start, &mut found).is_ok() {
        return differing_pages(expected, &found, excused(start));
    }
    let page = PAGE_SIZE as usize;
    let differs = |(at, bytes): (usize, &mut [u8])| {
        let from = start + (at * page) as u64;
        let expected = expected.map(|bytes| &bytes[at * page..(at + 1) * page]);
        read(from, bytes).map_or(1, |()| differing_pages(expected, bytes, excused(from)))
    };
    found.chunks_exact_mut(page).enumerate().map(differs).sum()
}

/// Refuses to go on where the layout is not what a look has just found.
fn moved(addr: u64) -> Trouble {
    Trouble::Refused(Reason::Layout, format!("page {addr:#x} is in no mapping"))
}
