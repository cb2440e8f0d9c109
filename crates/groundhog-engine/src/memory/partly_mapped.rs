//! Shared memory of which not all is mapped.
//!
//! What is mapped is compared at every restore (see [`super::shared`]). A request can map the rest, too: `mremap` makes a mapping
//! longer, or another one of the same file, and `remap_file_pages` shows any part of it.

use super::vma::{Area, AreaKind, described};
use crate::arch::call;
use crate::component::Stopped;
use crate::error::{Reason, Step, Trouble};
use groundhog_proc::maps::Mapping;
use groundhog_sys::{PAGE_SIZE, RemoteAddr, process_vm};

/// Refuses a process that has mapped a part only of what it could write to as a whole. `counts`: whether it matters what becomes of
/// the file behind a mapping, and nothing else looks after it.
pub(crate) fn refuse(
    stopped: &mut Stopped<'_>,
    areas: &[Area],
    counts: impl Fn(&Mapping) -> bool,
) -> Step<()> {
    let shared = || areas.iter().filter(|area| area.kind == AreaKind::Shared);
    let mut done: Vec<&Area> = Vec::new();
    for area in shared().filter(|area| area.flags.has(b"mw") && counts(&area.mapping)) {
        if done.iter().any(|other| is_same_file(other, area)) {
            continue;
        }
        done.push(area);
        let mut parts: Vec<&Area> = shared().filter(|other| is_same_file(other, area)).collect();
        parts.sort_unstable_by_key(|part| part.mapping.offset);
        if !is_whole(stopped, &parts)? {
            let what = described(&area.mapping);
            let message = format!(
                "{what} shows only a part of what is shared, and a request could map the rest: map all of it, or unmap it \
                 before the snapshot"
            );
            return Err(Trouble::Refused(Reason::MappingKind, message));
        }
    }
    Ok(())
}

fn is_same_file(one: &Area, other: &Area) -> bool {
    (one.mapping.device, one.mapping.inode) == (other.mapping.device, other.mapping.inode)
}

/// Whether the parts, in the order of their offsets, are all that there is of their file.
fn is_whole(stopped: &mut Stopped<'_>, parts: &[&Area]) -> Step<bool> {
    let mut end = 0;
    let mut last = None;
    for part in parts {
        if part.mapping.offset > end {
            return Ok(false);
        }
        let ends = part.mapping.offset + part.mapping.len();
        if ends > end || last.is_none() {
            (end, last) = (ends, Some(*part));
        }
    }
    match last {
        Some(last) => goes_on(stopped, &last.mapping).map(|goes_on| !goes_on),
        None => Ok(true),
    }
}

/// Whether a file goes on after what a mapping shows of it: a second mapping of its last page shows the next one, too.
fn goes_on(stopped: &mut Stopped<'_>, mapping: &Mapping) -> Step<bool> {
    const MAYMOVE: u64 = 1;
    let mut remote = stopped.remote()?;
    // A length of nothing before: not moved, but mapped once more.
    let arguments = [mapping.end - PAGE_SIZE, 0, 2 * PAGE_SIZE, MAYMOVE, 0, 0];
    let second = remote.must("mapping shared memory once more", call::MREMAP, arguments)?;
    let process = remote.process();
    let beyond = RemoteAddr(second + PAGE_SIZE);
    let is_there = process_vm::read(process.pid, &process.files.mem, beyond, &mut [0]).is_ok();
    remote.must("munmap", call::MUNMAP, [second, 2 * PAGE_SIZE, 0, 0, 0, 0])?;
    Ok(is_there)
}
