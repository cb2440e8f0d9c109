//! When pipes and files without a name were read and written, where the kernel notes that without a call that says so: each
//! reading and writing of a pipe, by newer kernels of those with a name only, and each reading of a file without a name.

use super::survey::OpenFile;
use crate::component::{Component, Restore, Stopped};
use crate::duplicate::Duplicate;
use crate::error::{OrTrouble, Reason, Step};
use groundhog_sys::fcntl::{self, FileType};
use groundhog_sys::file_contents::{self, Attributes};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// Whether the kernel notes the times of an open file so.
pub(super) fn are_noted(file: &OpenFile) -> bool {
    match file.kind {
        FileType::Pipe => fcntl::pipes_note_times() || !fcntl::is_unnamed_pipe(&file.duplicate),
        FileType::File => true,
        FileType::Socket | FileType::Anonymous => false,
    }
}

/// What an open file tells of itself, its times among that.
pub(super) fn attributes(duplicate: &OwnedFd) -> Step<Attributes> {
    file_contents::inode_attributes(duplicate).or_trouble(Reason::Inspection, "looking at its descriptors")
}

/// The times of one of them.
#[derive(Debug)]
pub(super) struct Noted {
    pub(super) number: i32,
    pub(super) duplicate: Arc<Duplicate>,
    pub(super) accessed: (i64, i64),
    pub(super) modified: (i64, i64),
}

/// The times of all of them. They are put back after whatever reads and writes them: a restore does, too.
#[derive(Debug)]
pub(crate) struct Times(pub(super) Vec<Noted>);

impl Noted {
    pub(super) fn revert(&self) -> Step<()> {
        file_contents::set_times(&self.duplicate, self.accessed, self.modified)
            .or_trouble(Reason::DescriptorChanged, "setting the times of a pipe or file back")
    }
}

impl Component for Times {
    fn revert(&mut self, _: &mut Restore<'_>) -> Step<()> {
        self.0.iter().try_for_each(Noted::revert)
    }

    fn difference(&mut self, _: &mut Stopped<'_>) -> Step<Option<String>> {
        for noted in &self.0 {
            let now = attributes(&noted.duplicate)?;
            if (now.accessed, now.modified) != (noted.accessed, noted.modified) {
                return Ok(Some(format!("descriptor {}: was read or written since", noted.number)));
            }
        }
        Ok(None)
    }
}
