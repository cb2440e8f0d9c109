//! The files behind shared mappings that no name leads to, and no descriptor that is open for writing.
//!
//! Whoever may open one under `/proc/PID/map_files` may keep something behind the mapping's end, or in its attributes. Its times tell
//! whether the memory was written.

use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::trace::process::Process;
use groundhog_proc::maps::{Mapping, Name};
use groundhog_sys::file_contents;
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// All that may be looked at.
#[derive(Debug)]
pub(super) struct Backings(Vec<Backing>);

#[derive(Debug)]
struct Backing {
    link: PathBuf,
    attributes: [u64; 5],
    /// None where it cannot be opened, and has none.
    named: Option<Vec<(Vec<u8>, Vec<u8>)>>,
    times: Times,
    /// Its file system keeps it in memory: all of its room was taken up when it was read.
    is_in_memory: bool,
}

/// When it was last read, and written.
type Times = [(i64, i64); 2];

impl Backings {
    /// Those behind some mappings.
    pub(super) fn of<'a>(process: &Process, mappings: impl Iterator<Item = &'a Mapping>) -> Self {
        Self(mappings.filter_map(|mapping| Backing::of(process, mapping)).collect())
    }

    /// Sets their times back, and refuses those that are others than they were. `may_differ`: in their named attributes, too.
    pub(super) fn revert(&self, may_differ: bool) -> Step<()> {
        if may_differ && let Some(what) = self.difference() {
            return Err(Trouble::Refused(Reason::Memory, what));
        }
        self.0.iter().try_for_each(Backing::revert_times)
    }

    /// The first one that is another than it was but for its times, in words.
    pub(super) fn difference(&self) -> Option<String> {
        self.0.iter().find(|backing| !backing.is_as_it_was()).map(Backing::described)
    }
}

impl Backing {
    /// None where we may not look at it: nor may the process then, which has no more privileges than we have.
    fn of(process: &Process, mapping: &Mapping) -> Option<Self> {
        if matches!(mapping.name, Name::Path { deleted: false, .. }) {
            return None;
        }
        let link =
            PathBuf::from(format!("/proc/{}/map_files/{:x}-{:x}", process.pid, mapping.start, mapping.end));
        let found = std::fs::metadata(&link).ok()?;
        let is_in_memory = File::open(&link).is_ok_and(|file| file_contents::is_in_memory(file) == Ok(true));
        Some(Self {
            attributes: attributes(&found),
            times: times(&found),
            named: named(&link),
            is_in_memory,
            link,
        })
    }

    fn is_as_it_was(&self) -> bool {
        std::fs::metadata(&self.link).is_ok_and(|now| attributes(&now) == self.attributes)
            && named(&self.link) == self.named
    }

    fn described(&self) -> String {
        format!(
            "the file behind {} has another size, room, mode or owner than at the snapshot, or other attributes",
            self.link.display()
        )
    }

    fn revert_times(&self) -> Step<()> {
        let trouble = "setting the times of its shared memory back";
        let now = std::fs::metadata(&self.link).or_trouble(Reason::Memory, trouble)?;
        // No call tells that it takes up more room, such as by a huge page that goes on behind its end.
        if self.is_in_memory && attributes(&now) != self.attributes {
            return Err(Trouble::Refused(Reason::Memory, self.described()));
        }
        if times(&now) == self.times {
            return Ok(());
        }
        let [accessed, modified] = self.times;
        let file = File::open(&self.link).or_trouble(Reason::Memory, trouble)?;
        file_contents::set_times(&file, accessed, modified).or_trouble(Reason::Memory, trouble)
    }
}

/// Size, room, permissions, owners: all that does not change when the memory is written.
fn attributes(found: &Metadata) -> [u64; 5] {
    [found.size(), found.blocks(), found.mode().into(), found.uid().into(), found.gid().into()]
}

fn named(link: &Path) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    File::open(link).ok().and_then(|file| file_contents::attributes(&file).ok())
}

fn times(found: &Metadata) -> Times {
    [(found.atime(), found.atime_nsec()), (found.mtime(), found.mtime_nsec())]
}
