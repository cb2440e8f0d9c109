//! The mappings of a process at the snapshot, and how each kind of them is treated.

use crate::arch::ADDRESS_SPACE_END;
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::trace::inspect;
use crate::trace::process::Process;
use groundhog_proc::maps::{self, Mapping, Name};
use groundhog_proc::smaps::{self, VmFlags};
use groundhog_sys::PAGE_SIZE;

/// Nobody maps anything below (`vm.mmap_min_addr` is less).
const LOWEST: u64 = 1 << 20;

/// How the contents of a mapping are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AreaKind {
    /// Private memory without a file: what is not there reads as zero.
    Anonymous,
    /// A private mapping of a file: what the process has not written is the file's.
    File,
    /// Memory that its owner declared to be lost at a fork (`MADV_WIPEONFORK`) or at any time (`MAP_DROPPABLE`):
    /// zeroed at every restore, never reverted, because random number generators hang their reseeding on it.
    Wiped,
    /// Shared with other processes, or seen through other mappings: compared as a whole.
    Shared,
    /// A file mapped for reading only, which this mapping cannot change.
    SharedReadOnly,
    /// Code of the kernel's that must not be written.
    Vdso,
    /// Data of the kernel's that cannot be read or written from outside.
    Kernel,
}

/// What is known of the open file that made a mapping.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Maker {
    /// It is open for writing.
    pub(crate) writes: bool,
    /// Its file is locked.
    pub(crate) is_locked: bool,
    /// Why another one would not do.
    pub(crate) only: Option<&'static str>,
}

/// A mapping of the snapshot.
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each with a name")]
#[derive(Clone, Debug)]
pub(crate) struct Area {
    pub(crate) mapping: Mapping,
    pub(crate) kind: AreaKind,
    pub(crate) flags: VmFlags,
    /// Writes to it are followed; in others every private page counts as written.
    pub(crate) followed: bool,
    /// It had private pages at the snapshot.
    pub(crate) has_pages: bool,
    /// It has a memory policy of its own, which one that is mapped anew would not have.
    pub(crate) has_policy: bool,
    /// The open file that it was made by, if that has a name.
    pub(crate) maker: Maker,
    /// It was mapped anew, and had the flags of the snapshot.
    pub(crate) is_proven: bool,
}

impl Area {
    /// One of which nothing more is known yet.
    pub(crate) fn new(mapping: Mapping, kind: AreaKind, flags: VmFlags) -> Self {
        Self {
            mapping,
            kind,
            flags,
            followed: false,
            has_pages: false,
            has_policy: false,
            maker: Maker::default(),
            is_proven: false,
        }
    }

    /// Why it cannot be made again, once it is gone or was replaced.
    pub(crate) fn removed(&self) -> Trouble {
        let why = self.maker.only.unwrap_or("cannot be made again");
        let message = format!("{} is gone, or was replaced, and {why}", described(&self.mapping));
        Trouble::Refused(Reason::Layout, message)
    }

    /// Private pages are looked for one by one: in what is not followed, and in a file's mapping that had some.
    pub(crate) fn is_looked_at(&self) -> bool {
        match self.kind {
            AreaKind::File => self.has_pages || !self.followed,
            AreaKind::Anonymous | AreaKind::Wiped | AreaKind::Vdso => !self.followed,
            AreaKind::Shared | AreaKind::SharedReadOnly | AreaKind::Kernel => false,
        }
    }
}

/// The mappings as text, as they are now.
pub(crate) fn read_maps(process: &Process, text: &mut Vec<u8>) -> Step<()> {
    inspect::read_mappings(&process.files.maps, text).or_trouble(Reason::Inspection, "reading its maps")?;
    if text.is_empty() { Err(Trouble::Exited) } else { Ok(()) }
}

/// The mappings, parsed.
pub(crate) fn parse_maps(text: &[u8]) -> Step<Vec<Mapping>> {
    maps::parse(text).map_err(|error| Trouble::Refused(Reason::Layout, error.to_string()))
}

/// Reads the mappings of a stopped process with their flags.
fn entries(process: &Process) -> Step<Vec<smaps::Entry>> {
    let text = inspect::mappings(process.pid, "smaps").or_trouble(Reason::Inspection, "reading its smaps")?;
    smaps::parse(&text).map_err(|error| Trouble::Refused(Reason::MappingKind, error.to_string()))
}

/// Reads the mappings of a stopped process with their flags, and refuses kinds that cannot be handled.
pub(crate) fn survey(process: &Process) -> Step<Vec<Area>> {
    entries(process)?.into_iter().map(classify).collect()
}

/// Whether a mapping is a ring of the kernel's that works on any memory of the process on its own.
pub(crate) fn is_written_by_kernel(mapping: &Mapping) -> bool {
    let rings = [&b"/[aio]"[..], b"anon_inode:"];
    matches!(&mapping.name, Name::Path { path, .. } if rings.iter().any(|ring| path.starts_with(ring)))
}

/// Flags that say nothing which a program can notice, or that are told elsewhere: soft-dirty, registered with a userfaultfd,
/// accounted for, without reserve; read, write, execute.
const UNNOTICED: [&[u8; 2]; 9] = [b"sd", b"um", b"uw", b"ui", b"ac", b"nr", b"rd", b"wr", b"ex"];

/// The parts of mappings that have other flags than at the snapshot, with their area's number; the layout must be that of
/// the snapshot.
pub(crate) fn other_flags(process: &Process, areas: &[Area]) -> Step<Vec<(u64, u64, usize)>> {
    let noticed = |flags: &VmFlags| {
        let mut codes: Vec<_> = flags.iter().filter(|code| !UNNOTICED.contains(&code)).collect();
        codes.sort_unstable();
        codes
    };
    let now = entries(process)?;
    let mut found = Vec::new();
    let mut at = 0;
    for (number, area) in areas.iter().enumerate() {
        let expected = noticed(&area.flags);
        while at < now.len() && now[at].mapping.end <= area.mapping.start {
            at += 1;
        }
        let parts = now[at..].iter().take_while(|part| part.mapping.start < area.mapping.end);
        for part in parts.filter(|part| noticed(&part.flags) != expected) {
            let start = part.mapping.start.max(area.mapping.start);
            found.push((start, part.mapping.end.min(area.mapping.end), number));
        }
    }
    Ok(found)
}

/// The first mapping with other flags than at the snapshot; the layout must be that of the snapshot.
pub(crate) fn flags_difference(process: &Process, areas: &[Area]) -> Step<Option<String>> {
    let found = other_flags(process, areas)?;
    Ok(found.first().map(|(start, end, _)| format!("mapping {start:#x}-{end:#x} has other flags")))
}

/// Where the vDSO is.
pub(crate) fn vdso(areas: &[Area]) -> Step<(u64, u64)> {
    let area = areas.iter().find(|area| area.kind == AreaKind::Vdso && area.mapping.name == Name::Vdso);
    area.map(|area| (area.mapping.start, area.mapping.end)).ok_or_else(|| {
        Trouble::Refused(Reason::RemoteCall, "it has no vDSO to make system calls from".into())
    })
}

/// Where a stopped process has nothing mapped for `size` bytes, far from everything: the middle of the largest gap.
pub(crate) fn hole(areas: &[Area], size: u64) -> Step<u64> {
    let ends = std::iter::once(LOWEST).chain(areas.iter().map(|area| area.mapping.end));
    let gaps = ends.zip(areas.iter().map(|area| area.mapping.start));
    let (start, end) = gaps
        .filter(|(start, end)| start < end && *end <= ADDRESS_SPACE_END)
        .max_by_key(|(start, end)| end - start)
        .unwrap_or_default();
    let middle = (start / 2 + end / 2) & !(PAGE_SIZE - 1);
    if middle > start && middle + size < end {
        return Ok(middle);
    }
    Err(Trouble::Refused(Reason::Layout, "it has no room left in its address space".into()))
}

/// A mapping for messages.
pub(crate) fn described(mapping: &Mapping) -> String {
    let range = format!("mapping {:#x}-{:#x}", mapping.start, mapping.end);
    if mapping.name == Name::Anonymous { range } else { format!("{range} ({})", mapping.name) }
}

fn classify(entry: smaps::Entry) -> Step<Area> {
    let smaps::Entry { mapping, flags, .. } = entry;
    let refuse =
        |why: &str| Err(Trouble::Refused(Reason::MappingKind, format!("{} {why}", described(&mapping))));
    let path = match &mapping.name {
        Name::Path { path, .. } => path.as_slice(),
        _ => b"",
    };
    if mapping.end > ADDRESS_SPACE_END && mapping.name != Name::Vsyscall {
        return refuse("lies above 128 TiB, where processors with larger page tables have more");
    }
    if flags.has(b"ht") {
        return refuse("uses huge pages of hugetlbfs");
    }
    if flags.has(b"um") || flags.has(b"uw") || flags.has(b"ui") {
        return refuse("is followed by a userfaultfd of its own");
    }
    if is_written_by_kernel(&mapping) {
        return refuse("is written by the kernel behind everyone's back");
    }
    if matches!(&mapping.name, Name::Path { path, deleted: true } if path == b"/secretmem") {
        return refuse(
            "is memory that nobody else can read (memfd_secret), so that it could not be compared",
        );
    }
    let kind = match &mapping.name {
        Name::Vvar | Name::Vsyscall => AreaKind::Kernel,
        Name::Vdso | Name::Uprobes => AreaKind::Vdso,
        Name::Other(_) => return refuse("is of an unknown kind"),
        _ if flags.has(b"io") || flags.has(b"pf") => return refuse("is a device's memory"),
        _ if mapping.perms.shared => shared_kind(&mapping, &flags, path),
        _ if flags.has(b"wf") || flags.has(b"dp") => AreaKind::Wiped,
        Name::Path { .. } => AreaKind::File,
        _ => AreaKind::Anonymous,
    };
    Ok(Area::new(mapping, kind, flags))
}

fn shared_kind(mapping: &Mapping, flags: &VmFlags, path: &[u8]) -> AreaKind {
    let deleted = matches!(mapping.name, Name::Path { deleted: true, .. });
    let memory = [&b"/memfd:"[..], b"/dev/shm/", b"/SYSV", b"/dev/zero"].iter().any(|p| path.starts_with(p));
    if flags.has(b"mw") || deleted || memory || path.is_empty() {
        AreaKind::Shared
    } else {
        AreaKind::SharedReadOnly
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(start: u64, end: u64, name: &str) -> Step<AreaKind> {
        let text =
            format!("{start:08x}-{end:08x} r-xp 00000000 00:00 0 {name}\nLazyFree: 0 kB\nVmFlags: rd ex\n");
        let entry = smaps::parse(text.as_bytes()).expect("the sample parses").remove(0);
        classify(entry).map(|area| area.kind)
    }

    #[test]
    fn what_nobody_else_can_read_is_refused() {
        assert!(matches!(kind(1 << 30, 1 << 31, "/secretmem (deleted)"), Err(Trouble::Refused(..))));
        assert!(kind(1 << 30, 1 << 31, "/memfd:secretmem (deleted)").is_ok());
    }

    #[test]
    fn what_is_not_looked_at_is_refused() {
        let end = ADDRESS_SPACE_END;
        assert!(matches!(kind(end - PAGE_SIZE, end, ""), Ok(AreaKind::Anonymous)));
        assert!(matches!(kind(end, end + PAGE_SIZE, ""), Err(Trouble::Refused(Reason::MappingKind, _))));
        assert!(matches!(kind(1 << 50, (1 << 50) + PAGE_SIZE, ""), Err(Trouble::Refused(..))));
        let vsyscall = 0xffff_ffff_ff60_0000;
        assert!(matches!(kind(vsyscall, vsyscall + PAGE_SIZE, "[vsyscall]"), Ok(AreaKind::Kernel)));
    }
}
