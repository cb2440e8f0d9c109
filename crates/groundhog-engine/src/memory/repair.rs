//! Putting the layout of the address space back.

use crate::arch::call;
use crate::component::Stopped;
use crate::error::{Reason, Step, Trouble};
use crate::memory::advice;
use crate::memory::first_pages;
use crate::memory::layout::{self, Change};
use crate::memory::makers;
use crate::memory::vma::{self, Area, AreaKind};
use crate::trace::process::Process;
use crate::trace::remote_syscall::Remote;
use groundhog_proc::maps::{Mapping, Name, Perms};
use groundhog_sys::Errno;
use std::ops::Range;

const PROT_READ: u64 = 1;
const PROT_WRITE: u64 = 2;
const PROT_EXEC: u64 = 4;
const MAP_SHARED: u64 = 1;
const MAP_PRIVATE: u64 = 2;
const MAP_FIXED: u64 = 0x10;
const MAP_ANONYMOUS: u64 = 0x20;
const MAP_NORESERVE: u64 = 0x4000;
const O_RDONLY: u64 = 0;
const O_RDWR: u64 = 2;
/// `O_CLOEXEC`; `O_NOFOLLOW` and `O_NONBLOCK`, for a request may have put something else in the place of a file.
const OPENED: u64 = 0o2_000_000 | 0o400_000 | 0o4_000;
const PR_SET_VMA: u64 = 0x5356_4d41;
const PR_SET_VMA_ANON_NAME: u64 = 0;

/// Flags that a fresh mapping of the same kind has by itself, or that say nothing of its own.
const ORDINARY: [&[u8; 2]; 13] =
    [b"rd", b"wr", b"ex", b"mr", b"mw", b"me", b"ms", b"sh", b"ac", b"nr", b"sd", b"um", b"uw"];

/// How the layout was put back.
#[derive(Default)]
pub(crate) struct Reverted {
    /// So many changes: none, if mappings were only split or joined.
    pub(crate) count: u64,
    /// What some of them mapped anew.
    pub(crate) anew: Vec<Range<u64>>,
}

/// The layout of the snapshot.
#[derive(Debug)]
pub(crate) struct Layout {
    /// `/proc/PID/maps` as it was: if it is the same to the letter, nothing changed.
    text: Vec<u8>,
    now: Vec<u8>,
    brk: u64,
    /// Where mappings end and begin.
    seams: Vec<u64>,
}

impl Layout {
    /// Takes the layout of a stopped process, once everything that changes it has been done.
    pub(crate) fn save(process: &Process, brk: u64) -> Step<Self> {
        let mut text = Vec::new();
        vma::read_maps(process, &mut text)?;
        let seams = layout::seams(&vma::parse_maps(&text)?);
        Ok(Self { text, now: Vec::new(), brk, seams })
    }

    /// The program break.
    pub(crate) fn brk(&self) -> u64 {
        self.brk
    }

    /// Puts it back, but for mappings that were only split or joined (see [`Self::mend`]). Nothing, if it is the same to the letter.
    ///
    /// What a request has `removed` as a whole is mapped anew, whatever lies there now: the kernel may tell it from what was there. That
    /// comes last, when its neighbours are those of the snapshot.
    pub(crate) fn revert(
        &mut self,
        stopped: &mut Stopped<'_>,
        areas: &[Area],
        removed: &[Range<u64>],
    ) -> Step<Option<Reverted>> {
        vma::read_maps(stopped.process, &mut self.now)?;
        let same = self.now == self.text;
        let mut remote = stopped.remote()?;
        // Always: the break may move within a page, which no file under /proc shows.
        let brk = remote.must("brk", call::BRK, [self.brk, 0, 0, 0, 0, 0])?;
        if brk != self.brk {
            let message = format!("its break is {brk:#x} and cannot be set to {:#x}", self.brk);
            return Err(Trouble::Refused(Reason::Layout, message));
        }
        // The request may have made one that looks the same, of an opening of its own, with whatever locks that has.
        let is_removed = |area: &Area| layout::lies_within(&area.mapping, removed);
        let is_lost = |area: &&Area| area.maker.only.is_some() && is_removed(area);
        if let Some(area) = areas.iter().find(is_lost) {
            return Err(area.removed());
        }
        let is_renewed =
            |area: &Area| (first_pages::has_some(area) || makers::is_shared_file(area)) && is_removed(area);
        let renewed: Vec<&Area> = areas.iter().filter(|area| is_renewed(area)).collect();
        if same && renewed.is_empty() {
            return Ok(None);
        }
        let mut changes = Vec::new();
        if !same {
            changes = self.changes(remote.process(), areas)?;
            self.refuse_unseen_writers()?;
            changes.retain(|change| !matches!(change, Change::Map { area, .. } if is_renewed(&areas[*area])));
        }
        for change in &changes {
            apply(&mut remote, change, areas)?;
        }
        for area in &renewed {
            map(&mut remote, area.mapping.start, area.mapping.end, area)?;
        }
        drop(remote); // with the memory for its arguments
        if let Some(left) = self.changes(stopped.process, areas)?.first() {
            let message = format!("after putting it back there is still {left:?}");
            return Err(Trouble::Refused(Reason::Layout, message));
        }
        let count = (changes.len() + renewed.len()) as u64;
        let anew = renewed.iter().map(|area| area.mapping.start..area.mapping.end);
        Ok(Some(Reverted { count, anew: mapped_by(&changes).chain(anew).collect() }))
    }

    /// Maps anew what was split, in part or as a `whole`, and says what that was. All else has to be as at the snapshot, and
    /// followed: the kernel joins only what is alike.
    pub(crate) fn mend(
        &mut self,
        stopped: &mut Stopped<'_>,
        areas: &[Area],
        whole: bool,
    ) -> Step<Vec<Range<u64>>> {
        let splits = self.splits(stopped.process, areas, whole)?;
        if !splits.is_empty() {
            let mut remote = stopped.remote()?;
            for split in &splits {
                apply(&mut remote, split, areas)?;
            }
        }
        Ok(mapped_by(&splits).collect())
    }

    fn changes(&mut self, process: &Process, areas: &[Area]) -> Step<Vec<Change>> {
        vma::read_maps(process, &mut self.now)?;
        let now = vma::parse_maps(&self.now)?;
        Ok(layout::changes(areas.iter().map(|area| &area.mapping), &now))
    }

    fn splits(&mut self, process: &Process, areas: &[Area], whole: bool) -> Step<Vec<Change>> {
        let now = seams_of(process, &mut self.now)?;
        layout::mended(areas.iter().map(|area| &area.mapping), &self.seams, &now, whole).map_err(|place| {
            let what = format!("at {place:#x} mappings meet that did not at the snapshot, or no longer do");
            Trouble::Refused(Reason::Layout, what)
        })
    }

    /// A request that made a ring for asynchronous input and output may have some under way, into any memory.
    fn refuse_unseen_writers(&self) -> Step<()> {
        let now = vma::parse_maps(&self.now)?;
        match now.iter().find(|mapping| vma::is_written_by_kernel(mapping)) {
            None => Ok(()),
            Some(mapping) => {
                let message =
                    format!("the request made {:?}, through which memory is written unseen", mapping.name);
                Err(Trouble::Refused(Reason::MappingKind, message))
            }
        }
    }

    /// The first difference.
    pub(crate) fn difference(&mut self, stopped: &mut Stopped<'_>, areas: &[Area]) -> Step<Option<String>> {
        let mut changes = self.changes(stopped.process, areas)?;
        if changes.is_empty() {
            changes = self.splits(stopped.process, areas, true)?;
        }
        if let Some(change) = changes.first() {
            return Ok(Some(format!("mappings: {change:?}")));
        }
        let brk = stopped.remote()?.must("brk", call::BRK, [0; 6])?;
        Ok((brk != self.brk).then(|| format!("break expected {:#x}, found {brk:#x}", self.brk)))
    }
}

/// Maps anew what has other flags than at the snapshot, since not all of them can be taken back, and says what that was. Its
/// contents are lost. The layout must be that of the snapshot.
pub(crate) fn revert_flags(stopped: &mut Stopped<'_>, areas: &[Area]) -> Step<Vec<Range<u64>>> {
    let changed = vma::other_flags(stopped.process, areas)?;
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    let mut remote = stopped.remote()?;
    for (start, end, area) in &changed {
        apply(&mut remote, &Change::Map { start: *start, end: *end, area: *area }, areas)?;
    }
    drop(remote);
    if let Some((start, end, _)) = vma::other_flags(stopped.process, areas)?.first() {
        let message = format!("mapping {start:#x}-{end:#x} has other flags, which cannot be taken back");
        return Err(Trouble::Refused(Reason::MappingFlags, message));
    }
    Ok(changed.into_iter().map(|(start, end, _)| start..end).collect())
}

/// Has the kernel join mappings that lie next to each other and are the same: later it might do so by itself, at any change
/// of one of them, and nobody could part them again. Those that it will not join as they are, since their pages came at
/// different times, are mapped anew; `write` puts the contents of such a range back. What was joined is one area from then on.
pub(crate) fn join_alike(
    stopped: &mut Stopped<'_>,
    areas: &mut Vec<Area>,
    write: impl Fn(&Process, u64, u64) -> Step<()>,
) -> Step<()> {
    let alike = |one: &Area, other: &Area| {
        one.mapping.end == other.mapping.start
            && one.kind == AreaKind::Anonymous
            && other.kind == AreaKind::Anonymous
            && one.mapping.perms == other.mapping.perms
            && given_name(one) == given_name(other)
            // OpenBLAS gives its buffers one. With others the kernel does not join them.
            && !(one.has_policy || other.has_policy)
            && other.flags.iter().all(|code| ORDINARY.contains(&&code))
    };
    let seconds: Vec<&Area> =
        areas.windows(2).filter(|pair| alike(&pair[0], &pair[1])).map(|pair| &pair[1]).collect();
    if seconds.is_empty() {
        return Ok(());
    }
    let mut remote = stopped.remote()?;
    for area in &seconds {
        for advice in [advice::DONTFORK, advice::DOFORK] {
            advice::give(&mut remote, area.mapping.start, area.mapping.end, advice)?;
        }
    }
    let mut text = Vec::new();
    let seams = seams_of(remote.process(), &mut text)?;
    for area in seconds.iter().filter(|area| seams.binary_search(&area.mapping.start).is_ok()) {
        let (start, end) = (area.mapping.start, area.mapping.end);
        map(&mut remote, start, end, area)?;
        write(remote.process(), start, end)?;
    }
    let seams = seams_of(remote.process(), &mut text)?;
    areas.dedup_by(|next, last| {
        let meet = last.mapping.end == next.mapping.start;
        let are_one = meet && seams.binary_search(&next.mapping.start).is_err();
        if are_one {
            last.mapping.end = next.mapping.end;
            last.has_pages |= next.has_pages;
        }
        are_one
    });
    Ok(())
}

/// Maps anew what only shows what another mapping shows: the open file of such a one is its own from then on, so that it can be made again.
/// What cannot be opened stays.
pub(crate) fn part_doubles(stopped: &mut Stopped<'_>, areas: &mut [Area]) -> Step<()> {
    let doubles = makers::doubles(areas);
    if doubles.is_empty() {
        return Ok(());
    }
    let mut remote = stopped.remote()?;
    for at in doubles {
        let area = &mut areas[at];
        let Name::Path { path, deleted: false } = &area.mapping.name else { continue };
        let Ok(fd) = open(&mut remote, path, false)? else { continue };
        close(&mut remote, fd)?;
        area.maker.only = None;
        map(&mut remote, area.mapping.start, area.mapping.end, area)?;
    }
    drop(remote); // with the memory for its arguments
    let mut text = Vec::new();
    vma::read_maps(stopped.process, &mut text)?;
    let found = layout::changes(areas.iter().map(|area| &area.mapping), &vma::parse_maps(&text)?);
    match found.first() {
        None => Ok(()),
        Some(change) => {
            let message = format!("a mapping of a file was mapped anew, and is another one now: {change:?}");
            Err(Trouble::Refused(Reason::Layout, message))
        }
    }
}

/// Where the mappings of a process end and begin now; `text` is overwritten by their list.
fn seams_of(process: &Process, text: &mut Vec<u8>) -> Step<Vec<u64>> {
    vma::read_maps(process, text)?;
    Ok(layout::seams(&vma::parse_maps(text)?))
}

/// What some changes map anew.
fn mapped_by(changes: &[Change]) -> impl Iterator<Item = Range<u64>> {
    changes.iter().filter_map(|change| match change {
        Change::Map { start, end, .. } => Some(*start..*end),
        _ => None,
    })
}

fn given_name(area: &Area) -> Option<&[u8]> {
    match &area.mapping.name {
        Name::NamedAnonymous(name) => Some(name),
        _ => None,
    }
}

/// The break of a stopped process.
pub(crate) fn current_brk(remote: &mut Remote<'_>) -> Step<u64> {
    remote.must("brk", call::BRK, [0; 6])
}

fn protection(perms: Perms) -> u64 {
    let bit = |set: bool, bit: u64| if set { bit } else { 0 };
    bit(perms.read, PROT_READ) | bit(perms.write, PROT_WRITE) | bit(perms.exec, PROT_EXEC)
}

fn apply(remote: &mut Remote<'_>, change: &Change, areas: &[Area]) -> Step<()> {
    match *change {
        Change::Unmap { start, end } => {
            remote.must("munmap", call::MUNMAP, [start, end - start, 0, 0, 0, 0])?;
        }
        Change::Protect { start, end, area } => {
            let protection = protection(areas[area].mapping.perms);
            remote.must("mprotect", call::MPROTECT, [start, end - start, protection, 0, 0, 0])?;
        }
        Change::Rename { start, end, area } => rename(remote, start, end, &areas[area])?,
        Change::Map { start, end, area } => map(remote, start, end, &areas[area])?,
    }
    Ok(())
}

fn rename(remote: &mut Remote<'_>, start: u64, end: u64, area: &Area) -> Step<()> {
    let name = match &area.mapping.name {
        Name::NamedAnonymous(name) | Name::NamedShmem(name) => {
            let mut text = name.clone();
            text.push(0);
            remote.put(&text)?.0
        }
        _ => 0,
    };
    let arguments = [PR_SET_VMA, PR_SET_VMA_ANON_NAME, start, end - start, name, 0];
    remote.must("naming a mapping", call::PRCTL, arguments).map(drop)
}

/// The file of a mapping, opened as it was.
fn open(remote: &mut Remote<'_>, path: &[u8], writes: bool) -> Step<Result<u64, Errno>> {
    let mut name = path.to_vec();
    name.push(0);
    let name = remote.put(&name)?;
    let mode = if writes { O_RDWR } else { O_RDONLY } | OPENED;
    remote.call(call::OPEN, [name.0, mode, 0, 0, 0, 0])
}

fn close(remote: &mut Remote<'_>, fd: u64) -> Step<()> {
    remote.must("close", call::CLOSE, [fd, 0, 0, 0, 0, 0]).map(drop)
}

fn map(remote: &mut Remote<'_>, start: u64, end: u64, area: &Area) -> Step<()> {
    let refuse = |why: &str| {
        let part = Mapping { start, end, ..area.mapping.clone() };
        Err(Trouble::Refused(Reason::Layout, format!("{} {why}", vma::described(&part))))
    };
    let advised = |code: &[u8; 2]| advice::LASTING.iter().any(|(known, _)| *known == code);
    if let Some(code) = area.flags.iter().find(|code| !ORDINARY.contains(&code) && !advised(code)) {
        return refuse(&format!("is gone, and was {:?}", String::from_utf8_lossy(&code)));
    }
    if area.has_policy {
        return refuse("is gone, and had a memory policy of its own");
    }
    if area.maker.only.is_some() {
        return Err(area.removed());
    }
    let mut flags = MAP_FIXED;
    flags |= if area.mapping.perms.shared { MAP_SHARED } else { MAP_PRIVATE };
    if area.flags.has(b"nr") {
        flags |= MAP_NORESERVE;
    }
    let protection = protection(area.mapping.perms);
    match (area.kind, &area.mapping.name) {
        (AreaKind::Anonymous, _) => {
            let arguments = [start, end - start, protection, flags | MAP_ANONYMOUS, u64::MAX, 0];
            remote.must("mmap", call::MMAP, arguments)?;
        }
        (
            AreaKind::File | AreaKind::Shared | AreaKind::SharedReadOnly,
            Name::Path { path, deleted: false },
        ) => {
            let fd = match open(remote, path, area.maker.writes)? {
                Ok(fd) => fd,
                Err(errno) => return refuse(&format!("is gone, and its file cannot be opened: {errno}")),
            };
            let offset = area.mapping.offset + (start - area.mapping.start);
            let mapped = remote.call(call::MMAP, [start, end - start, protection, flags, fd, offset])?;
            close(remote, fd)?;
            if let Err(errno) = mapped {
                return refuse(&format!("is gone and could not be mapped again: {errno}"));
            }
        }
        _ => return refuse("is gone, and is of a kind that cannot be mapped again"),
    }
    for (code, advice) in advice::LASTING {
        if area.flags.has(code) {
            advice::give(remote, start, end, advice)?;
        }
    }
    if matches!(area.mapping.name, Name::NamedAnonymous(_)) {
        rename(remote, start, end, area)?;
    }
    Ok(())
}
