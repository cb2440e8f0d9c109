//! What a mapping keeps of the open file that it was made by, whose descriptor may be closed for long.
//!
//! One that is made anew is of another open file: the kernel does not join it with what was made by the former, locks on that are
//! gone with it, and a file that was open for writing may be executed.

use crate::component::{Component, Restore, Stopped};
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::memory::tracking;
use crate::memory::vma::{self, Area, AreaKind, Maker};
use crate::strategy::Strategy;
use crate::trace::process::Process;
use groundhog_proc::locks;
use groundhog_proc::maps::{Mapping, Name};
use std::collections::{BTreeSet, HashMap};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;

/// Where a process has more mappings of code, each of which is compared with all others, they stay as they are.
const MOST_CODE: usize = 1024;

const AMONG_OTHERS: &str = "may be of the same open file as another mapping, or as a descriptor";

/// Notes it of all mappings of files. Those of one opening are joined wherever they meet, and with what its descriptor maps: private ones,
/// too, where one has no pages of its own yet, or none any more (`MREMAP_DONTUNMAP`).
pub(super) fn note(process: &Process, areas: &mut [Area]) -> Step<()> {
    let locked = Locked::now()?;
    for area in areas.iter_mut().filter(|area| is_of_file(area)) {
        let writes = is_open_for_writing(process, &area.mapping)?;
        let is_locked = locked.has(&area.mapping);
        area.maker = Maker { writes, is_locked, only: is_locked.then_some("is of a file that is locked") };
    }
    let same = |area: &Area| (area.mapping.device, area.mapping.inode, area.mapping.perms.shared);
    let mut mapped = HashMap::<_, usize>::new();
    for area in areas.iter().filter(|area| is_of_file(area)) {
        *mapped.entry(same(area)).or_default() += 1;
    }
    let open = open_names(process)?;
    for area in areas.iter_mut().filter(|area| is_of_file(area)) {
        if mapped[&same(area)] > 1 || open.contains(&area.mapping.name.to_string()) {
            area.maker.only.get_or_insert(AMONG_OTHERS);
        }
    }
    Ok(())
}

/// The mappings of code that another one of the same file shows, too, and that lie by themselves: V8 makes one of what is built into it
/// for each isolate, also in threads, which take it along when they end. Of each of them it is known that its open file is its own, once
/// it is mapped anew.
pub(super) fn doubles(areas: &[Area]) -> Vec<usize> {
    let file = |mapping: &Mapping| (mapping.device, mapping.inode);
    let shown = |mapping: &Mapping| mapping.offset..mapping.offset + mapping.len();
    let is_code = |area: &Area| {
        area.kind == AreaKind::File
            && area.mapping.perms.exec
            && !area.mapping.perms.write
            && !area.has_pages
            && !area.has_policy
            && !area.maker.writes
            && area.maker.only == Some(AMONG_OTHERS)
    };
    let code: Vec<usize> = (0..areas.len()).filter(|at| is_code(&areas[*at])).collect();
    if code.len() > MOST_CODE {
        return Vec::new();
    }
    let is_double = |at: &usize| {
        let mapping = &areas[*at].mapping;
        let others = || areas.iter().map(|area| &area.mapping).filter(|other| file(other) == file(mapping));
        let touches = |other: &Mapping| other.end == mapping.start || other.start == mapping.end;
        let shows_same = |other: &Mapping| {
            let (here, there) = (shown(mapping), shown(other));
            other.start != mapping.start && here.start < there.end && there.start < here.end
        };
        !others().any(touches) && others().any(shows_same)
    };
    code.into_iter().filter(is_double).collect()
}

/// The mapped files that nobody had locked at the snapshot.
///
/// Where calls that replace mappings are not seen, a request may have put one in the place of another that looks the same, of an opening
/// of its own, which keeps a lock. Descriptors are put back before that is looked at. Where the tracker knows that nothing was replaced,
/// a lock is somebody else's: anybody can have the machine's libraries locked.
#[derive(Debug)]
pub(crate) struct Unlocked {
    /// Those that the tracker tells of, if they are replaced.
    told: Vec<Mapping>,
    others: Vec<Mapping>,
    doubted: Doubted,
}

/// Which mappings may have been replaced since the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubted {
    None,
    Others,
    All,
}

impl Unlocked {
    /// Those of the snapshot's mappings, tracked by this strategy.
    pub(crate) fn of(areas: &[Area], strategy: Strategy) -> Self {
        let unlocked = areas.iter().filter(|area| is_of_file(area) && !area.maker.is_locked);
        let is_told =
            |area: &&Area| tracking::tells_replaced(strategy) && area.followed && !area.mapping.perms.shared;
        let (told, others): (Vec<_>, Vec<_>) = unlocked.partition(is_told);
        let mappings = |areas: Vec<&Area>| areas.into_iter().map(|area| area.mapping.clone()).collect();
        Self { told: mappings(told), others: mappings(others), doubted: Doubted::All }
    }

    /// Calls may have been made since the last restore, which tells nothing of them; whether the tracker finds that mappings were
    /// `replaced`.
    pub(crate) fn doubt(&mut self, replaced: bool) {
        self.doubted = if replaced { Doubted::All } else { Doubted::Others };
    }

    fn newly_locked(&self) -> Step<Option<String>> {
        let told = if self.doubted == Doubted::All { &*self.told } else { &[] };
        let others = if self.doubted == Doubted::None { &[] } else { &*self.others };
        if told.is_empty() && others.is_empty() {
            return Ok(None);
        }
        let locked = Locked::now()?;
        let mut doubted = told.iter().chain(others);
        let found = doubted.find(|mapping| locked.has(mapping));
        Ok(found.map(|mapping| format!("{} is of a file that was locked since", vma::described(mapping))))
    }
}

impl Component for Unlocked {
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        self.doubt(restore.replaced);
        if restore.sees_frequent {
            self.doubted = Doubted::None;
        }
        match self.newly_locked()? {
            None => Ok(()),
            Some(what) => Err(Trouble::Refused(Reason::Layout, what)),
        }
    }

    fn difference(&mut self, _: &mut Stopped<'_>) -> Step<Option<String>> {
        self.newly_locked()
    }
}

/// Which files are locked.
#[derive(Debug, PartialEq, Eq)]
enum Locked {
    These(Vec<locks::File>),
    /// There are too many locks to look through.
    Any,
}

impl Locked {
    /// Most that is read, some 16,000 locks. The list is everybody's, and to read it takes the kernel the square of its length: with
    /// 200,000 locks a function had others wait for half a minute.
    const MOST: usize = 1 << 20;

    fn now() -> Step<Self> {
        match std::fs::File::open("/proc/locks") {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::These(Vec::new())), // a kernel without locks
            list => {
                list.and_then(Self::text).or_trouble(Reason::Inspection, "reading which files are locked")?
            }
        }
    }

    fn text(list: impl Read) -> std::io::Result<Step<Self>> {
        let mut text = Vec::new();
        list.take(Self::MOST as u64).read_to_end(&mut text)?;
        if text.len() == Self::MOST {
            return Ok(Ok(Self::Any));
        }
        let files = locks::files(&text);
        Ok(files.map(Self::These).map_err(|error| Trouble::Refused(Reason::Inspection, error.to_string())))
    }

    fn has(&self, mapping: &Mapping) -> bool {
        match self {
            Self::These(files) => files.contains(&(mapping.device, mapping.inode)),
            Self::Any => true,
        }
    }
}

/// Whether it is shared, and of a file: what a request puts in its place may look the same to the letter.
pub(super) fn is_shared_file(area: &Area) -> bool {
    area.mapping.perms.shared && is_of_file(area)
}

fn is_of_file(area: &Area) -> bool {
    // Also what has no name any more: whoever has it open may open it anew under /proc/self/fd.
    matches!(area.kind, AreaKind::File | AreaKind::Shared | AreaKind::SharedReadOnly)
        && matches!(area.mapping.name, Name::Path { .. })
}

/// What `/proc` calls the open files of a process: the mappings that one of them made have its name.
fn open_names(process: &Process) -> Step<BTreeSet<String>> {
    let folder = std::fs::read_dir(format!("/proc/{}/fd", process.pid));
    let names = folder.and_then(|entries| {
        let name = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read_link(entry?.path());
        entries.map(|entry| name(entry).map(|link| link.to_string_lossy().into_owned())).collect()
    });
    names.or_trouble(Reason::Inspection, "listing its descriptors")
}

/// What `/proc` calls a mapping's file has the permissions of the open file.
fn is_open_for_writing(process: &Process, mapping: &Mapping) -> Step<bool> {
    const WRITE: u32 = 0o200;
    let link = format!("/proc/{}/map_files/{:x}-{:x}", process.pid, mapping.start, mapping.end);
    let link =
        std::fs::symlink_metadata(link).or_trouble(Reason::Inspection, "looking at its mapped files")?;
    Ok(link.mode() & WRITE != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_are_looked_through_up_to_a_number() {
        let line = b"1: FLOCK  ADVISORY  WRITE 2147 fe:00:1049 0 EOF\n";
        let Locked::These(few) = Locked::text(&*line.repeat(1000)).unwrap().unwrap() else {
            panic!("too many")
        };
        assert_eq!(few.len(), 1000);
        assert_eq!(Locked::text(&*line.repeat(30_000)).unwrap().unwrap(), Locked::Any);
        let endless = std::io::repeat(b'1');
        assert_eq!(Locked::text(endless).unwrap().unwrap(), Locked::Any);
    }
}
