//! What differs from the snapshot, by mapping: looked at, and nothing put back.

use crate::error::Step;
use crate::memory::address_space::AddressSpace;
use crate::memory::layout::{self, Change};
use crate::memory::vma::{self, Area, AreaKind};
use crate::trace::process::Process;
use groundhog_proc::maps::{Mapping, Name, Perms};
use groundhog_proc::smaps::VmFlags;

/// What a process has changed since its snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Mappings with pages that differ, in ascending order.
    pub memory: Vec<MemoryChange>,
    /// Mappings that are new, gone or different, in ascending order.
    pub layout: Vec<LayoutChange>,
}

/// Memory whose contents differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryChange {
    /// First address of the mapping.
    pub start: u64,
    /// First address after it.
    pub end: u64,
    /// Its permissions, as in `/proc/PID/maps`.
    pub perms: String,
    /// Its name, as in `/proc/PID/maps`; empty for anonymous memory.
    pub name: String,
    /// How many pages differ from the snapshot.
    pub pages: u64,
    /// The snapshot does not have it.
    pub new: bool,
}

/// A mapping, or a part of one, that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutChange {
    /// First address.
    pub start: u64,
    /// First address after it.
    pub end: u64,
    /// `added`, `removed`, `replaced`, `protected` or `renamed`.
    pub what: &'static str,
    /// What is there now, or was at the snapshot when nothing is.
    pub name: String,
}

/// Compares a stopped process with its space.
pub(crate) fn look(process: &Process, space: &mut AddressSpace) -> Step<Changes> {
    let mut text = Vec::new();
    vma::read_maps(process, &mut text)?;
    let now = vma::parse_maps(&text)?;
    let changed = layout::changes(space.areas.iter().map(|area| &area.mapping), &now);
    let areas = with_new(&space.areas, &changed, &now);
    let mut pages = space.memory.written(process, &space.rseq, &areas, &mut *space.tracker)?;
    for (start, written) in space.shared.written(process) {
        if let Some(at) = areas.iter().position(|area| area.mapping.start == start) {
            pages[at] += written;
        }
    }
    let memory = areas.iter().zip(pages).filter(|(_, pages)| *pages > 0).map(|(area, pages)| MemoryChange {
        start: area.mapping.start,
        end: area.mapping.end,
        perms: letters(area.mapping.perms),
        name: area.mapping.name.to_string(),
        pages,
        new: !space
            .areas
            .iter()
            .any(|old| old.mapping.start <= area.mapping.start && area.mapping.start < old.mapping.end),
    });
    let layout = changed.iter().map(|change| described(change, &space.areas, &now)).collect();
    Ok(Changes { memory: memory.collect(), layout })
}

/// The areas of the snapshot, and among them what was mapped where it has none.
fn with_new(areas: &[Area], changed: &[Change], now: &[Mapping]) -> Vec<Area> {
    let mut all = areas.to_vec();
    for change in changed {
        let Change::Unmap { start, end } = change else { continue };
        for mapping in now.iter().filter(|mapping| mapping.start < *end && *start < mapping.end) {
            let kind = match &mapping.name {
                _ if mapping.perms.shared => AreaKind::Shared,
                Name::Path { .. } => AreaKind::File,
                Name::Vvar | Name::Vdso | Name::Vsyscall | Name::Uprobes | Name::Other(_) => AreaKind::Kernel,
                _ => AreaKind::Anonymous,
            };
            let mut mapping = mapping.clone();
            mapping.start = mapping.start.max(*start);
            mapping.end = mapping.end.min(*end);
            all.push(Area::new(mapping, kind, VmFlags::default()));
        }
    }
    all.sort_unstable_by_key(|area| area.mapping.start);
    all
}

fn described(change: &Change, areas: &[Area], now: &[Mapping]) -> LayoutChange {
    let at = |addr: u64| now.iter().find(|mapping| mapping.start <= addr && addr < mapping.end);
    let (start, end, what, before) = match *change {
        Change::Unmap { start, end } => (start, end, "added", None),
        Change::Map { start, end, area } if at(start).is_none() => (start, end, "removed", Some(area)),
        Change::Map { start, end, area } => (start, end, "replaced", Some(area)),
        Change::Protect { start, end, area } => (start, end, "protected", Some(area)),
        Change::Rename { start, end, area } => (start, end, "renamed", Some(area)),
    };
    let name = at(start).map(|mapping| &mapping.name).or(before.map(|area| &areas[area].mapping.name));
    LayoutChange { start, end, what, name: name.map(ToString::to_string).unwrap_or_default() }
}

fn letters(perms: Perms) -> String {
    let letter = |set: bool, letter: char| if set { letter } else { '-' };
    let sharing = if perms.shared { 's' } else { 'p' };
    [letter(perms.read, 'r'), letter(perms.write, 'w'), letter(perms.exec, 'x'), sharing].iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_written_as_the_kernel_does() {
        let perms = Perms { read: true, write: false, exec: true, shared: false };
        assert_eq!(letters(perms), "r-xp");
    }
}
