//! Private memory: saved once, reverted after every request, compared on demand.

pub(crate) mod address_space;
mod advice;
mod backings;
mod changes;
mod first_pages;
mod heat;
mod huge_pages;
pub(crate) mod layout;
pub(crate) mod makers;
pub(crate) mod pages;
pub(crate) mod partly_mapped;
mod plan;
mod policies;
pub(crate) mod repair;
mod segments;
pub(crate) mod shared;
pub(crate) mod tracking;
pub(crate) mod vma;

use crate::component::{Restore, Stopped};
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::memory::pages::{Collector, PageStore};
use crate::memory::tracking::{Scan, Tracker};
use crate::memory::vma::{Area, AreaKind};
use crate::report::RestoreReport;
use crate::strategy::Strategy;
use crate::trace::process::Process;
use groundhog_sys::process_vm::{self, Batch};
use groundhog_sys::ptrace::RseqArea;
use groundhog_sys::{PAGE_SIZE, RemoteAddr};
use heat::Heat;
use plan::{Extra, Outside, Piece, Plan};

const PAGE: usize = PAGE_SIZE as usize;

/// A source of zeros for pages that are to be zero.
static ZEROS: [u8; 16 * PAGE] = [0; 16 * PAGE];

/// Runs of pages that the snapshot does not have, up to this long, are zeroed in place and kept: that costs less than
/// giving them back, and the next request finds them there. Longer ones go back to the kernel.
const ADOPT_RUN: u64 = 64 * PAGE_SIZE;

/// How many pages may be kept that way.
const ADOPT_LIMIT: usize = 16 * 1024;

/// The private memory of a snapshot.
#[derive(Debug)]
pub(crate) struct Memory {
    store: PageStore,
    guards: Vec<(u64, u64)>,
    heat: Heat,
    adopted: usize,
    scan: Scan,
    plan: Plan,
    protect: Vec<(u64, u64)>,
    /// All pages are written back, whether or not they differ.
    everything: bool,
}

impl Memory {
    /// Saves the private pages of a stopped process, and marks the areas that have some.
    pub(crate) fn save(process: &Process, tracker: &mut dyn Tracker, areas: &mut [Area]) -> Step<Self> {
        let mut scan = Scan::default();
        tracker.survey(process, areas, &mut scan)?;
        let mut store = PageStore::default();
        let resident: u64 = scan.runs.iter().map(|run| (run.end - run.start) / PAGE_SIZE).sum();
        let mut collector = Collector::new(&store, resident);
        let mut at = 0;
        for run in scan.runs.iter().filter(|run| !run.zero) {
            let mut start = run.start;
            while start < run.end {
                while at < areas.len() && areas[at].mapping.end <= start {
                    at += 1;
                }
                let Some(area) = areas.get_mut(at).filter(|area| area.mapping.start <= start) else {
                    let message = format!("page {start:#x} is in no mapping");
                    return Err(Trouble::Refused(Reason::Layout, message));
                };
                let end = run.end.min(area.mapping.end);
                if matches!(area.kind, AreaKind::Anonymous | AreaKind::File | AreaKind::Vdso) {
                    area.has_pages = true;
                    collector.add(start, end, area.kind != AreaKind::Anonymous, |buffer| {
                        process_vm::read(process.pid, &process.files.mem, RemoteAddr(start), buffer)
                            .or_trouble(Reason::Memory, "reading its memory")
                    })?;
                }
                start = end;
            }
        }
        store.absorb(collector);
        let heat = Heat::new(store.pages());
        let guards = scan.guards.clone();
        Ok(Self {
            store,
            guards,
            heat,
            adopted: 0,
            scan,
            plan: Plan::default(),
            protect: Vec::new(),
            everything: false,
        })
    }

    /// Writes what was saved of a range into memory that was mapped anew there.
    pub(crate) fn write_saved(&self, process: &Process, start: u64, end: u64) -> Step<()> {
        let mut batch = Batch::new();
        for extent in self.store.extents().iter().filter(|extent| extent.start < end && start < extent.end) {
            let (from, to) = (extent.start.max(start), extent.end.min(end));
            if let Some(bytes) = self.store.bytes(extent, from, to) {
                batch.push(RemoteAddr(from), bytes);
            }
        }
        batch.write(process.pid, &process.files.mem).or_trouble(Reason::Memory, "writing its memory")
    }

    /// Ranges of large heaps in which every page is there, in whole huge pages.
    pub(crate) fn whole_ranges(&self, areas: &[Area]) -> Vec<(u64, u64)> {
        huge_pages::whole_ranges(areas, self.store.extents())
    }

    /// Pages in the snapshot.
    pub(crate) fn pages(&self) -> u64 {
        self.store.pages() as u64
    }

    /// Pages kept as bytes.
    pub(crate) fn saved_pages(&self) -> u64 {
        self.store.saved_pages()
    }

    /// Finds out what a stopped process has changed; says which page, if any, is in no mapping of the snapshot.
    ///
    /// With `same_layout` the layout was not looked at, because no call was made that changes it. Then a page in no
    /// mapping means that a stack has grown, which needs no call. With `everything`, all pages count as written.
    pub(crate) fn look(
        &mut self,
        process: &Process,
        areas: &[Area],
        tracker: &mut dyn Tracker,
        same_layout: bool,
        everything: bool,
    ) -> Step<Option<Outside>> {
        tracker.scan(process, areas, same_layout, &mut self.scan)?;
        if everything {
            tracker.survey(process, areas, &mut self.scan)?;
        }
        self.everything = everything;
        if self.scan.guards != self.guards {
            return Err(Trouble::Refused(Reason::GuardPages, "guard pages were installed or removed".into()));
        }
        Ok(self.plan.make(&self.scan, self.store.extents(), areas, everything).err())
    }

    /// Reverts what [`Self::look`] found.
    pub(crate) fn revert(
        &mut self,
        restore: &mut Restore<'_>,
        rseq: &[RseqArea],
        areas: &[Area],
        tracker: &mut dyn Tracker,
    ) -> Step<()> {
        self.give_back(&mut restore.stopped, areas, tracker, restore.report)?;
        let process = &*restore.stopped.process;
        self.keep_rseq(process, rseq)?;
        self.copy_back(process, tracker, restore.report)?;
        restore.lap("copy");

        self.protect_again(restore.stopped.process, areas, tracker, restore.report)?;
        restore.lap("protect");
        Ok(())
    }

    /// Deals with pages that the snapshot does not have, and adopts those that are cheaper kept.
    fn give_back(
        &mut self,
        stopped: &mut Stopped<'_>,
        areas: &[Area],
        tracker: &mut dyn Tracker,
        report: &mut RestoreReport,
    ) -> Step<()> {
        let process = &*stopped.process;
        self.protect.clear();
        if self.plan.extras.is_empty() {
            return Ok(());
        }
        let mut collector = Collector::new(&self.store, 0);
        let mut dropped = Vec::new();
        let mut zeroed = Batch::new();
        for extra in &self.plan.extras {
            let Extra { start, end, area } = *extra;
            let pages = ((end - start) / PAGE_SIZE) as usize;
            match areas[area].kind {
                AreaKind::Anonymous if end - start <= ADOPT_RUN && self.adopted + pages <= ADOPT_LIMIT => {
                    collector.add_zero(start, end);
                    self.adopted += pages;
                }
                AreaKind::Anonymous => {
                    dropped.push((start, end));
                    report.pages_dropped += pages as u64;
                }
                AreaKind::File => {
                    let private = tracker.private_within(process, start, end)?;
                    report.pages_dropped += private.iter().map(|(a, b)| (b - a) / PAGE_SIZE).sum::<u64>();
                    if private.is_empty() {
                        self.protect.push((start, end)); // only read, for the first time: not to be listed again
                    }
                    dropped.extend(private);
                }
                AreaKind::Wiped => {
                    push_zeros(&mut zeroed, start, end);
                    report.pages_zeroed += pages as u64;
                }
                AreaKind::Vdso => {
                    return Err(Trouble::Refused(Reason::Memory, "its vDSO was written".into()));
                }
                AreaKind::Shared | AreaKind::SharedReadOnly | AreaKind::Kernel => {}
            }
        }
        if !dropped.is_empty() {
            let mut remote = stopped.remote()?;
            for (start, end) in dropped {
                advice::give(&mut remote, start, end, advice::DONTNEED)?;
            }
        }
        let process = &*stopped.process;
        zeroed.write(process.pid, &process.files.mem).or_trouble(Reason::Memory, "zeroing its memory")?;
        report.pages_dirty += report.pages_zeroed + report.pages_dropped;
        if !collector.is_empty() {
            self.store.absorb(collector);
            self.heat.grow(self.store.pages());
            // Runs of pages have other numbers now, and the adopted ones are among them, to be zeroed.
            self.plan.make(&self.scan, self.store.extents(), areas, self.everything).map_err(outside)?;
            self.plan.extras.clear();
        }
        Ok(())
    }

    /// The kernel writes the current processor's number into each thread's memory, and newer kernels only when it
    /// changes: so the copy that is about to go back gets today's numbers.
    fn keep_rseq(&mut self, process: &Process, rseq: &[RseqArea]) -> Step<()> {
        for area in rseq {
            // At once, with what lies between.
            let mut now = None;
            for &(offset, len) in shared::rseq_kernel_fields() {
                let Some(saved) = self.store.bytes_mut(area.start.0 + offset as u64, len) else { continue };
                let now = match &mut now {
                    Some(now) => now,
                    none => {
                        let mut all = [0; shared::RSEQ_KERNEL_END];
                        process_vm::read(process.pid, &process.files.mem, area.start, &mut all)
                            .or_trouble(Reason::Memory, "reading its rseq area")?;
                        none.insert(all)
                    }
                };
                saved.copy_from_slice(&now[offset..offset + len]);
            }
        }
        Ok(())
    }

    fn copy_back(
        &mut self,
        process: &Process,
        tracker: &dyn Tracker,
        report: &mut RestoreReport,
    ) -> Step<()> {
        if tracker.must_compare() && !self.everything {
            let written = self.write_differences(process)?;
            report.pages_dirty += written;
            report.pages_copied += written;
            return Ok(());
        }
        let mut batch = Batch::new();
        for piece in &self.plan.pieces {
            let pages = (piece.end - piece.start) / PAGE_SIZE;
            let extent = &self.store.extents()[piece.extent];
            report.pages_dirty += pages;
            if let Some(bytes) = self.store.bytes(extent, piece.start, piece.end) {
                batch.push(RemoteAddr(piece.start), bytes);
                report.pages_copied += pages;
            } else {
                push_zeros(&mut batch, piece.start, piece.end);
                report.pages_zeroed += pages;
            }
        }
        let written = if tracker.strategy() == Strategy::Classic {
            batch.write_page_by_page(&process.files.mem)
        } else {
            batch.write(process.pid, &process.files.mem)
        };
        written.or_trouble(Reason::Memory, "writing its memory")
    }

    /// Compares every planned page and writes only those that differ; says how many those were.
    fn write_differences(&self, process: &Process) -> Step<u64> {
        let mut buffer = Vec::new();
        let mut batch = Batch::new();
        let mut pages = 0;
        for piece in &self.plan.pieces {
            let extent = &self.store.extents()[piece.extent];
            buffer.resize((piece.end - piece.start) as usize, 0);
            process_vm::read(process.pid, &process.files.mem, RemoteAddr(piece.start), &mut buffer)
                .or_trouble(Reason::Memory, "reading its memory")?;
            for (at, found) in buffer.chunks_exact(PAGE).enumerate() {
                let start = piece.start + at as u64 * PAGE_SIZE;
                let expected = self.store.bytes(extent, start, start + PAGE_SIZE).unwrap_or(&ZEROS[..PAGE]);
                if expected != found {
                    batch.push(RemoteAddr(start), expected);
                    pages += 1;
                }
            }
        }
        batch.write(process.pid, &process.files.mem).or_trouble(Reason::Memory, "writing its memory")?;
        Ok(pages)
    }

    fn protect_again(
        &mut self,
        process: &Process,
        areas: &[Area],
        tracker: &mut dyn Tracker,
        report: &mut RestoreReport,
    ) -> Step<()> {
        if tracker.is_selective() {
            let followed = |piece: &&Piece| areas[piece.area].followed;
            report.pages_faulted = self.heat.note(
                self.plan.pieces.iter().filter(followed),
                self.store.extents(),
                &mut self.protect,
            );
            report.pages_protected = self.protect.iter().map(|(start, end)| (end - start) / PAGE_SIZE).sum();
            report.pages_hot = self.heat.hot_pages();
            tracker.protect(process, areas, &self.protect)
        } else {
            report.pages_faulted = report.pages_dirty;
            report.pages_protected = report.pages_dirty;
            tracker.protect_all(process, areas)
        }
    }

    /// The first difference between a stopped process's private memory and the snapshot.
    pub(crate) fn difference(
        &mut self,
        process: &Process,
        rseq: &[RseqArea],
        areas: &[Area],
        tracker: &mut dyn Tracker,
    ) -> Step<Option<String>> {
        tracker.survey(process, areas, &mut self.scan)?;
        if self.scan.guards != self.guards {
            return Ok(Some("guard pages were installed or removed".into()));
        }
        self.plan.make(&self.scan, self.store.extents(), areas, true).map_err(outside)?;
        let mut buffer = Vec::new();
        for extent in self.store.extents() {
            buffer.resize((extent.end - extent.start) as usize, 0);
            read(process, extent.start, &mut buffer)?;
            let expected = self.store.bytes(extent, extent.start, extent.end);
            let differs = |at: &usize| {
                let addr = extent.start + *at as u64;
                expected.map_or(0, |bytes| bytes[*at]) != buffer[*at] && !shared::kernel_writes(rseq, addr)
            };
            if expected.is_some_and(|bytes| bytes == buffer.as_slice()) {
                continue;
            }
            if let Some(at) = (0..buffer.len()).find(differs) {
                let wanted = expected.map_or(0, |bytes| bytes[at]);
                return Ok(Some(describe(areas, extent.start + at as u64, wanted, buffer[at])));
            }
        }
        for extra in &self.plan.extras {
            match areas[extra.area].kind {
                AreaKind::Anonymous => {
                    buffer.resize((extra.end - extra.start) as usize, 0);
                    read(process, extra.start, &mut buffer)?;
                    if let Some(at) = buffer.iter().position(|byte| *byte != 0) {
                        return Ok(Some(describe(areas, extra.start + at as u64, 0, buffer[at])));
                    }
                }
                AreaKind::File if tracker.private_within(process, extra.start, extra.end)?.is_empty() => {}
                AreaKind::File | AreaKind::Vdso => {
                    let place = place(areas, extra.start);
                    return Ok(Some(format!("{place} was written, and showed its file at the snapshot")));
                }
                AreaKind::Wiped | AreaKind::Shared | AreaKind::SharedReadOnly | AreaKind::Kernel => {}
            }
        }
        Ok(None)
    }
}

fn read(process: &Process, start: u64, buffer: &mut [u8]) -> Step<()> {
    process_vm::read(process.pid, &process.files.mem, RemoteAddr(start), buffer)
        .or_trouble(Reason::Memory, "reading its memory")
}

/// Memory where the layout has none.
pub(crate) fn outside(page: Outside) -> Trouble {
    Trouble::Refused(Reason::Layout, format!("page {:#x} is in no mapping of the snapshot", page.0))
}

fn push_zeros(batch: &mut Batch<'_>, start: u64, end: u64) {
    let mut at = start;
    while at < end {
        let len = (end - at).min(ZEROS.len() as u64);
        batch.push(RemoteAddr(at), &ZEROS[..len as usize]);
        at += len;
    }
}

/// `0x7f12 (byte 0x12 of [heap])`
fn place(areas: &[Area], addr: u64) -> String {
    let area = areas.iter().find(|area| (area.mapping.start..area.mapping.end).contains(&addr));
    area.map_or_else(
        || format!("address {addr:#x}"),
        |area| {
            let offset = addr - area.mapping.start;
            format!("address {addr:#x} (byte {offset:#x} of {:?})", area.mapping.name)
        },
    )
}

fn describe(areas: &[Area], addr: u64, expected: u8, found: u8) -> String {
    format!("{}: expected {expected:#04x}, found {found:#04x}", place(areas, addr))
}
