//! `soft-dirty`: bits that the kernel sets on every write and clears on request, for kernels built with them.
//!
//! Anybody may clear the bits of its own process, a function too, and so hide what it wrote. So after each clearing we
//! write to a few pages at random what they hold already: if one of them is clean at the next look, somebody else cleared
//! the bits.

use super::{Run, Scan, Tracker, scanning};
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::memory::vma::{Area, AreaKind};
use crate::strategy::Strategy;
use crate::trace::process::Process;
use groundhog_proc::pagemap::Entry;
use groundhog_sys::pagemap_scan::{Categories, Region};
use groundhog_sys::process_vm::{self, Batch};
use groundhog_sys::{PAGE_SIZE, RemoteAddr};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::os::unix::fs::FileExt;

/// Entries read at a time.
const WINDOW: u64 = 1 << 16;

/// Soft-dirty bits at work.
#[derive(Debug)]
pub(super) struct SoftDirty {
    /// The kernel has `PAGEMAP_SCAN`, which is quicker than reading entries.
    by_scan: Option<Categories>,
    regions: Vec<Region>,
    /// Pages that must be found written.
    canaries: Vec<u64>,
    /// Pages that are to be canaries after the next clearing.
    candidates: Vec<u64>,
}

/// How many pages are written at random.
const CANARIES: usize = 4;

/// The size of a huge page, all of which counts as written when a byte of it was.
const HUGE_PAGE: u64 = 1 << 21;

impl SoftDirty {
    /// Checks that the bits can be cleared.
    pub(super) fn new(process: &Process) -> Step<Self> {
        if process.files.clear_refs.is_none() {
            return Err(Trouble::Refused(Reason::Tracking, "its clear_refs cannot be written".into()));
        }
        let by_scan = scanning::works(process).then(|| scanning::guard_category(process));
        Ok(Self { by_scan, regions: Vec::new(), canaries: Vec::new(), candidates: Vec::new() })
    }

    fn list(&mut self, process: &Process, areas: &[Area], scan: &mut Scan) -> Step<()> {
        let Some(guard) = self.by_scan else {
            // A page that is not exclusively its own is the page of zeros: given back, then read.
            return scan_entries(process, areas, scan, |entry| entry.soft_dirty() || !entry.exclusive());
        };
        let report = Categories::SOFT_DIRTY | guard;
        scanning::checked(scanning::private_pages(process, report, &mut self.regions))?;
        scan.clear(true);
        scanning::fill(&self.regions, scan, |categories| categories.contains(Categories::SOFT_DIRTY));
        Ok(())
    }

    /// Chooses pages at random of those that a survey has just found.
    fn choose_candidates(&mut self, areas: &[Area], scan: &Scan) {
        let writable = |addr: u64| {
            areas.iter().any(|area| {
                let Area { mapping, kind, .. } = area;
                *kind == AreaKind::Anonymous
                    && mapping.perms.write
                    && (mapping.start..mapping.end).contains(&addr)
            })
        };
        let fit = |run: &&Run| !run.swapped && !run.zero && writable(run.start);
        let mut runs: Vec<&Run> = scan.runs.iter().filter(fit).collect();
        // All of a huge page is in one run, since its pages are written together.
        let holds_none = |run: &Run| run.end - run.start < HUGE_PAGE;
        if runs.iter().filter(|run| holds_none(run)).count() >= CANARIES {
            runs.retain(|run| holds_none(run));
        }
        self.candidates.clear();
        for _ in 0..CANARIES.min(runs.len()) {
            let run = runs[random() as usize % runs.len()];
            let pages = (run.end - run.start) / PAGE_SIZE;
            self.candidates.push(run.start + random() % pages * PAGE_SIZE);
        }
    }

    /// Writes a byte of each chosen page over itself.
    fn set_canaries(&mut self, process: &Process) -> Step<()> {
        self.canaries = std::mem::take(&mut self.candidates);
        for page in &self.canaries {
            let mut byte = [0];
            process_vm::read(process.pid, &process.files.mem, RemoteAddr(*page), &mut byte)
                .or_trouble(Reason::Tracking, "reading its memory")?;
            let mut batch = Batch::new();
            batch.push(RemoteAddr(*page), &byte);
            batch
                .write(process.pid, &process.files.mem)
                .or_trouble(Reason::Tracking, "writing its memory")?;
        }
        Ok(())
    }
}

/// A random number, from what the standard library seeds its hash tables with.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

impl Tracker for SoftDirty {
    fn strategy(&self) -> Strategy {
        Strategy::SoftDirty
    }

    fn survey(&mut self, process: &Process, areas: &[Area], scan: &mut Scan) -> Step<()> {
        self.list(process, areas, scan)?;
        let found_clean = |page: &u64| {
            scan.runs.iter().any(|run| !run.dirty && !run.zero && (run.start..run.end).contains(page))
        };
        if self.canaries.iter().any(found_clean) {
            let message = "its soft-dirty bits were cleared by somebody else".into();
            return Err(Trouble::Refused(Reason::Tracking, message));
        }
        self.choose_candidates(areas, scan);
        Ok(())
    }

    fn begin(&mut self, process: &Process, areas: &mut [Area]) -> Step<()> {
        // New mappings are born dirty: there is nothing to follow one by one.
        self.protect_all(process, areas)
    }

    fn scan(&mut self, process: &Process, areas: &[Area], _same_layout: bool, scan: &mut Scan) -> Step<()> {
        self.survey(process, areas, scan)
    }

    fn private_within(&mut self, _process: &Process, start: u64, end: u64) -> Step<Vec<(u64, u64)>> {
        Ok(vec![(start, end)]) // a survey lists private pages only
    }

    fn protect_all(&mut self, process: &Process, _areas: &[Area]) -> Step<()> {
        let Some(file) = &process.files.clear_refs else {
            return Err(Trouble::Refused(Reason::Tracking, "its clear_refs cannot be written".into()));
        };
        file.write_at(b"4", 0).or_trouble(Reason::Tracking, "clearing soft-dirty bits")?;
        self.set_canaries(process)
    }

    fn protect(&mut self, process: &Process, areas: &[Area], _ranges: &[(u64, u64)]) -> Step<()> {
        self.protect_all(process, areas)
    }

    fn sees_everywhere(&self) -> bool {
        self.by_scan.is_some()
    }

    fn is_selective(&self) -> bool {
        false
    }

    fn must_compare(&self) -> bool {
        false
    }
}

/// Lists private pages by reading `/proc/PID/pagemap`, for kernels without the scan.
///
/// Only mappings of the snapshot are read: the caller has put the layout back before.
pub(super) fn scan_entries(
    process: &Process,
    areas: &[Area],
    scan: &mut Scan,
    dirty: impl Fn(Entry) -> bool,
) -> Step<()> {
    scan.clear(true);
    let mut bytes = vec![0; (WINDOW * 8) as usize];
    for area in areas.iter().filter(|area| !matches!(area.kind, AreaKind::Kernel)) {
        let mut at = area.mapping.start;
        while at < area.mapping.end {
            let count = WINDOW.min((area.mapping.end - at) / PAGE_SIZE);
            let window = &mut bytes[..(count * 8) as usize];
            process
                .files
                .pagemap
                .read_exact_at(window, at / PAGE_SIZE * 8)
                .or_trouble(Reason::Tracking, "reading its pagemap")?;
            for (index, raw) in window.as_chunks::<8>().0.iter().enumerate() {
                push(scan, at + index as u64 * PAGE_SIZE, Entry(u64::from_ne_bytes(*raw)), &dirty);
            }
            at += count * PAGE_SIZE;
        }
    }
    Ok(())
}

fn push(scan: &mut Scan, addr: u64, entry: Entry, dirty: &impl Fn(Entry) -> bool) {
    if entry.file() || !(entry.present() || entry.swapped()) {
        return;
    }
    let run = Run {
        start: addr,
        end: addr + PAGE_SIZE,
        dirty: dirty(entry),
        absent: false,
        zero: false,
        swapped: entry.swapped(),
    };
    if let Some(last) = scan.runs.last_mut()
        && last.end == addr
        && (last.dirty, last.swapped) == (run.dirty, run.swapped)
    {
        last.end = run.end;
    } else {
        scan.runs.push(run);
    }
}
