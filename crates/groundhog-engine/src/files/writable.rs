//! Files that were open for writing at the snapshot: a request can change their contents by a mere write.
//!
//! Their contents are kept, and compared after every request. It concerns files that are the process's alone: those in its
//! private folders, and those without a name (temporary files, memory files), wherever they are.

use super::kept_file::KeptFile;
use super::pinned_files::InUse;
use crate::component::{Component, Restore, Stopped};
use crate::error::{OrTrouble, Reason, Step, Trouble};
use groundhog_sys::file_contents::{self, Access};
use groundhog_sys::folder::EntryKind;

/// Most bytes that are kept of all of them.
const MAX_BYTES: u64 = 16 << 20;

/// All of them, by descriptor.
#[derive(Debug, Default)]
pub(crate) struct WritableFiles(Vec<(i32, KeptFile)>);

impl WritableFiles {
    /// Keeps the contents of files. `files`: descriptors that are open for writing; `named_too`: also of those that have a name,
    /// since those are private.
    pub(crate) fn save(used: &InUse, named_too: bool) -> Step<Self> {
        let mut left = MAX_BYTES;
        let mut held = Vec::new();
        for (number, duplicate, _) in used.open.iter().filter(|(number, ..)| used.writable.contains(number)) {
            let (number, duplicate) = (*number, &**duplicate);
            let stat =
                file_contents::stat(duplicate).or_trouble(Reason::Inspection, "looking at its files")?;
            if stat.kind != EntryKind::File || (stat.links > 0 && !named_too) {
                continue;
            }
            let refuse = |why: String| {
                let what = format!("descriptor {number} is open for writing on a file {why}");
                Trouble::Refused(Reason::Files, what + ": open it for reading, or in the request")
            };
            left = left
                .checked_sub(stat.size)
                .ok_or_else(|| refuse(format!("of {} bytes, which is more than is kept", stat.size)))?;
            let kept = KeptFile::save(duplicate, Access::ReadAndWrite, stat.size)
                .map_err(|errno| refuse(format!("that cannot be opened to be put back ({errno})")))?;
            held.push((number, kept));
        }
        Ok(Self(held))
    }
}

impl Component for WritableFiles {
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        for (number, kept) in &self.0 {
            let changed = kept.revert().map_err(|errno| {
                let message = format!("the file behind descriptor {number} cannot be put back: {errno}");
                Trouble::Refused(Reason::Files, message)
            })?;
            restore.report.files_reverted += u64::from(changed);
        }
        restore.lap("files");
        Ok(())
    }

    fn difference(&mut self, _: &mut Stopped<'_>) -> Step<Option<String>> {
        for (number, kept) in &self.0 {
            if kept.differs().or_trouble(Reason::Inspection, "comparing its files")? {
                return Ok(Some(format!("the file behind descriptor {number} is not as at the snapshot")));
            }
        }
        Ok(None)
    }
}
