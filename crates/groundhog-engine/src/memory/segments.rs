//! What the kernel keeps of System V segments that are attached: who has attached or left one last, and when. A child does both by being
//! made and by ending, and the process itself by whatever splits a mapping. Everybody reads it in `/proc/sysvipc/shm`.

use super::vma::{Area, AreaKind};
use crate::arch::call;
use crate::component::{Restore, Stopped};
use crate::error::{Reason, Step, Trouble};
use crate::trace::remote_syscall::Remote;
use groundhog_proc::maps::{Mapping, Name};
use groundhog_sys::Errno;

/// `struct shmid64_ds`
const SIZE: usize = 112;

/// All that are attached, by number.
#[derive(Debug, Default)]
pub(super) struct Segments(Vec<(u64, Vec<u8>)>);

impl Segments {
    /// Looks at them, after all that attaches one once more at the snapshot.
    pub(super) fn save(stopped: &mut Stopped<'_>, areas: &[Area]) -> Step<Self> {
        const EINVAL: Errno = Errno(22);
        let shared = areas.iter().filter(|area| area.kind == AreaKind::Shared);
        let mut numbers: Vec<u64> = shared.filter_map(|area| number(&area.mapping)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut segments = Vec::new();
        for number in numbers {
            match state(&mut stopped.remote()?, number)? {
                Ok(state) => segments.push((number, state)),
                Err(EINVAL) => {} // a file of such a name
                Err(errno) => {
                    return Err(Trouble::system(Reason::Memory, "asking for a System V segment", errno));
                }
            }
        }
        Ok(Self(segments))
    }

    /// Refuses what nobody can set.
    pub(super) fn revert(&self, restore: &mut Restore<'_>) -> Step<()> {
        let may_differ = restore.had_children || !restore.sees_frequent || restore.observed.layout_calls > 0;
        if self.0.is_empty() || !may_differ {
            return Ok(());
        }
        match self.difference(&mut restore.stopped)? {
            Some(what) => Err(Trouble::Refused(Reason::Memory, what)),
            None => Ok(()),
        }
    }

    /// The first one of which another is told, in words.
    pub(super) fn difference(&self, stopped: &mut Stopped<'_>) -> Step<Option<String>> {
        for (number, before) in &self.0 {
            if state(&mut stopped.remote()?, *number)?.as_ref() != Ok(before) {
                return Ok(Some(format!(
                    "System V segment {number} tells who has attached or left it last, such as a child of the request: use a \
                     mapping that is shared in its place"
                )));
            }
        }
        Ok(None)
    }
}

/// The kernel calls such a mapping by its key, and its file by the number of the segment.
fn number(mapping: &Mapping) -> Option<u64> {
    matches!(&mapping.name, Name::Path { path, .. } if path.starts_with(b"/SYSV")).then_some(mapping.inode)
}

fn state(remote: &mut Remote<'_>, number: u64) -> Step<groundhog_sys::Result<Vec<u8>>> {
    const IPC_STAT: u64 = 2;
    let place = remote.scratch(SIZE as u64)?;
    if let Err(errno) = remote.call(call::SHMCTL, [number, IPC_STAT, place.0, 0, 0, 0])? {
        return Ok(Err(errno));
    }
    let mut state = vec![0; SIZE];
    remote.get(place, &mut state)?;
    Ok(Ok(state))
}
