//! The address space as a component: its layout, and the contents of private and shared memory.

use super::first_pages;
use super::huge_pages;
use super::layout;
use super::makers;
use super::policies;
use super::repair::{self, Layout, Reverted};
use super::segments::Segments;
use super::shared::SharedMemory;
use super::tracking::{self, Tracker};
use super::vma::{self, Area, AreaKind};
use super::{Memory, outside};
use crate::component::{Component, Restore, Stopped};
use crate::error::{Reason, Step, Trouble};
use crate::strategy::Strategy;
use crate::trace::process::Process;
use groundhog_proc::maps::Mapping;
use groundhog_sys::ptrace::RseqArea;
use std::ops::Range;

/// All of it, as it was.
#[derive(Debug)]
pub(crate) struct AddressSpace {
    pub(crate) areas: Vec<Area>,
    pub(crate) memory: Memory,
    pub(crate) shared: SharedMemory,
    pub(crate) tracker: Box<dyn Tracker>,
    /// Where the kernel itself writes, whenever it likes.
    pub(crate) rseq: Vec<RseqArea>,
    layout: Layout,
    segments: Segments,
}

/// What saving it takes until it can be followed.
pub(crate) struct Surveyed {
    areas: Vec<Area>,
    tracker: Box<dyn Tracker>,
    brk: u64,
    /// Large memory is put together in huge pages.
    joins: bool,
}

/// Notes what no list of mappings shows of each. Says whether some could be replaced by what looks the same, so that only the calls tell:
/// of private ones the tracker of some strategies does. `may_write`: whether a request may open the file of one for writing.
pub(crate) fn note_unlisted(
    process: &Process,
    areas: &mut [Area],
    strategy: Strategy,
    may_write: impl Fn(&Mapping) -> bool,
) -> Step<bool> {
    let vdso = vma::vdso(areas)?.0;
    policies::note_own(process, areas, vdso)?;
    makers::note(process, areas)?;
    // A private mapping of a file that is open for writing looks like one that is not, and nobody can execute the file then. (What
    // `/proc/PID/map_files` shows of that is what it was when somebody first looked.)
    let is_told = |area: &Area| area.kind != AreaKind::File || !may_write(&area.mapping);
    let mut own = areas.iter().filter(|area| area.kind != AreaKind::Kernel);
    let may_lose = |area: &Area| {
        area.maker.only.is_some() && (area.mapping.perms.shared || !tracking::tells_replaced(strategy))
    };
    Ok(own.any(|area| area.has_policy || may_lose(area) || !is_told(area)))
}

impl Surveyed {
    /// Prepares tracking in a stopped process that has these mappings. `joins`: large memory may be put together in huge pages.
    pub(crate) fn new(
        stopped: &mut Stopped<'_>,
        areas: Vec<Area>,
        strategy: Strategy,
        joins: bool,
    ) -> Step<Self> {
        let mut remote = stopped.remote()?;
        let tracker = tracking::tracker(strategy, &mut remote)?;
        let brk = repair::current_brk(&mut remote)?;
        let joins = joins && tracker.is_selective();
        Ok(Self { areas, tracker, brk, joins })
    }

    /// Saves contents; `lap` is told when that is done, and when tracking has begun. `kept`: the size of the file
    /// behind a shared mapping whose contents are put back as a file.
    pub(crate) fn save(
        mut self,
        stopped: &mut Stopped<'_>,
        rseq: Vec<RseqArea>,
        kept: impl Fn(&Mapping) -> Option<u64>,
        mut lap: impl FnMut(&'static str),
    ) -> Step<AddressSpace> {
        let process = &*stopped.process;
        let memory = Memory::save(process, &mut *self.tracker, &mut self.areas)?;
        let shared = SharedMemory::save(process, &self.areas, kept)?;
        lap("copy");
        repair::join_alike(stopped, &mut self.areas, |process, start, end| {
            memory.write_saved(process, start, end)
        })?;
        repair::part_doubles(stopped, &mut self.areas)?;
        first_pages::write_and_give_back(stopped, &self.areas)?;
        let whole = if self.joins { memory.whole_ranges(&self.areas) } else { Vec::new() };
        huge_pages::collapse(stopped, &whole)?;
        self.tracker.begin(stopped.process, &mut self.areas)?;
        self.tracker.note_whole(&self.areas, whole);
        let layout = Layout::save(stopped.process, self.brk)?;
        let segments = Segments::save(stopped, &self.areas)?;
        lap("protect");
        let Self { areas, tracker, .. } = self;
        Ok(AddressSpace { areas, memory, shared, tracker, rseq, layout, segments })
    }
}

impl AddressSpace {
    /// Where the mappings are, in order.
    pub(crate) fn mappings(&self) -> Vec<(u64, u64)> {
        self.areas.iter().map(|area| (area.mapping.start, area.mapping.end)).collect()
    }

    /// Those that can be replaced by others which look the same, in order, where the tracker would not notice it.
    pub(crate) fn replaced_unnoticed(&self) -> Vec<Range<u64>> {
        if self.tracker.may_be_replaced() {
            return Vec::new(); // it never knows, so that their flags are always looked at
        }
        let unfollowed = self.areas.iter().filter(|area| !area.followed && area.kind != AreaKind::Kernel);
        unfollowed.map(|area| area.mapping.start..area.mapping.end).collect()
    }

    /// Whether followed mappings may have been replaced by others that look the same, whatever the last scan found.
    pub(crate) fn find_replaced(&mut self, process: &Process) -> Step<bool> {
        self.tracker.find_replaced(process, &self.areas)
    }

    /// The program break.
    pub(crate) fn brk(&self) -> u64 {
        self.layout.brk()
    }

    /// Puts the layout back and finds out which memory has changed.
    ///
    /// Usually the layout has not, and nobody looks. Only what the scan finds may say that it has.
    fn find_changes(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        let Self { areas, layout, memory, tracker, .. } = self;
        let tracker = &mut **tracker;
        let observed = restore.observed;
        restore.report.layout_calls = observed.layout_calls;
        // `MADV_FREE` on a clean page shows nowhere at once, and the kernel takes the page away whenever it likes, unless it
        // is written. A process started by us may not use it.
        let mut everything = !restore.stopped.process.spawned || observed.mapping_flags;
        // What has lost its flags unseen was replaced, which the tracker notices; nobody can make what the kernel maps.
        let is_told = |area: &Area| area.followed || matches!(area.kind, AreaKind::Kernel | AreaKind::Vdso);
        let sees_flags = restore.sees_calls && (restore.sees_frequent || areas.iter().all(is_told));
        // What tries to run code below a stack has it grow, and no page comes: only what is followed tells of that.
        let may_grow_unseen = areas.iter().any(|area| !area.followed && area.flags.has(b"gd"));
        let mut same_layout = restore.sees_frequent
            && observed.layout_calls == 0
            && tracker.sees_everywhere()
            && !may_grow_unseen;
        let mut same_flags = same_layout;
        let mut anew = Vec::new();
        loop {
            if !same_layout {
                let Reverted { count, anew: mapped } =
                    revert_layout(layout, &mut restore.stopped, areas, tracker, &observed.removed)?;
                restore.report.layout_changes += count;
                anew.extend(mapped);
                first_pages::write_anew(&mut restore.stopped, areas, &mut anew, &observed.removed)?;
                restore.lap("layout");
            }
            let process = &*restore.stopped.process;
            let found = memory.look(process, areas, tracker, same_layout, everything)?;
            restore.lap("scan");
            match found {
                None if same_flags => return Ok(()),
                None => {
                    same_flags = true;
                    let may_differ = observed.mapping_flags || !sees_flags || tracker.may_be_replaced();
                    if !may_differ && are_proven(areas, &anew) {
                        return Ok(());
                    }
                    let changed = repair::revert_flags(&mut restore.stopped, areas)?;
                    restore.lap("layout");
                    prove(areas, &anew);
                    if changed.is_empty() {
                        return Ok(());
                    }
                    tracker.follow_new(restore.stopped.process, areas, &changed)?;
                    restore.report.layout_changes += changed.len() as u64;
                    anew.extend(changed);
                    everything = true; // the contents are lost
                }
                Some(_) if same_layout => {
                    // A stack has grown.
                    same_layout = false;
                    same_flags = false;
                }
                Some(page) => return Err(outside(page)),
            }
        }
    }
}

/// Puts the layout back to the seams between its mappings.
fn revert_layout(
    layout: &mut Layout,
    stopped: &mut Stopped<'_>,
    areas: &[Area],
    tracker: &mut dyn Tracker,
    removed: &[Range<u64>],
) -> Step<Reverted> {
    /// In part, as a whole, and a look whether that was enough.
    const MAX_ROUNDS: usize = 3;
    let Some(mut reverted) = layout.revert(stopped, areas, removed)? else {
        return Ok(Reverted::default());
    };
    let mut new = reverted.anew.clone();
    for round in 0..MAX_ROUNDS {
        if !new.is_empty() {
            tracker.follow_new(stopped.process, areas, &new)?;
        }
        let mended = layout.mend(stopped, areas, round > 0)?;
        if mended.is_empty() {
            return Ok(reverted);
        }
        new.clone_from(&mended);
        reverted.count += mended.len() as u64;
        reverted.anew.extend(mended);
    }
    Err(Trouble::Refused(Reason::Layout, "mappings were split, and cannot be mended".into()))
}

/// Whether what was mapped `anew` is known to get the flags of the snapshot by that: some that the process has set for all that it
/// maps may be younger than a mapping.
fn are_proven(areas: &[Area], anew: &[Range<u64>]) -> bool {
    areas.iter().all(|area| area.is_proven || !layout::meets(&area.mapping, anew))
}

/// Notes that it did. What a mapping of a file gets depends on the file, too.
fn prove(areas: &mut [Area], anew: &[Range<u64>]) {
    for area in areas.iter_mut().filter(|area| area.kind == AreaKind::Anonymous) {
        area.is_proven |= layout::meets(&area.mapping, anew);
    }
}

impl Component for AddressSpace {
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        self.find_changes(restore)?;
        restore.replaced = self.tracker.may_be_replaced();
        let Self { areas, memory, tracker, rseq, .. } = self;
        memory.revert(restore, rseq, areas, &mut **tracker)?;
        let shared = self.shared.revert(restore.stopped.process)?;
        restore.report.pages_dirty += shared;
        restore.report.pages_copied += shared;
        if shared > 0 {
            restore.lap("shared");
        }
        self.segments.revert(restore)?;
        let Restore { observed, sees_calls, .. } = restore;
        self.shared.revert_backings(observed.files || observed.inodes || !*sees_calls)
    }

    fn difference(&mut self, stopped: &mut Stopped<'_>) -> Step<Option<String>> {
        let Self { areas, memory, shared, tracker, rseq, layout, segments } = self;
        if let Some(what) = layout.difference(stopped, areas)? {
            return Ok(Some(what));
        }
        if let Some(what) = vma::flags_difference(stopped.process, areas)? {
            return Ok(Some(what));
        }
        let told = match memory.difference(stopped.process, rseq, areas, &mut **tracker)? {
            Some(what) => return Ok(Some(what)),
            None => segments.difference(stopped)?,
        };
        if told.is_some() { Ok(told) } else { shared.difference(stopped.process) }
    }
}
