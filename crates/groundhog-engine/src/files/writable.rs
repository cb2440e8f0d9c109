//! Files that were open for writing at the snapshot: a request can change their contents by a mere write.
//!
//! Their contents are kept, and compared after every request. It concerns files that are the process's alone: those in its
//! private folders, and those without a name (temporary files, memory files), wherever they are.

use super::pinned_files::InUse;
use crate::component::{Component, Restore, Stopped};
use crate::error::{OrTrouble, Reason, Step, Trouble};
use groundhog_sys::file_contents::{self, Access};
use groundhog_sys::folder::{Kind, Stat};
use groundhog_sys::{Errno, Result};
use std::fs::File;

/// Most bytes that are kept of all of them.
const MOST_BYTES: u64 = 16 << 20;

#[derive(Debug)]
struct WritableFile {
    number: i32,
    /// To compare and to write; shares nothing with the process's own descriptor.
    file: File,
    stat: Stat,
    contents: Vec<u8>,
    /// Where it has data, and no holes; none for one that is mapped, of which to read a hole fills it.
    data: Option<Vec<(u64, u64)>>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct WritableFiles(Vec<WritableFile>);

impl WritableFiles {
    /// Keeps the contents of files. `files`: descriptors that are open for writing; `named_too`: also of those that have a name,
    /// since those are private.
    pub(crate) fn save(used: &InUse, named_too: bool) -> Step<Self> {
        let mut left = MOST_BYTES;
        let mut held = Vec::new();
        for (number, duplicate, _) in used.open.iter().filter(|(number, ..)| used.writable.contains(number)) {
            let (number, duplicate) = (*number, &**duplicate);
            let stat =
                file_contents::stat(duplicate).or_trouble(Reason::Inspection, "looking at its files")?;
            if stat.kind != Kind::File || (stat.links > 0 && !named_too) {
                continue;
            }
            let refuse = |why: String| {
                let what = format!("descriptor {number} is open for writing on a file {why}");
                Trouble::Refused(Reason::Files, what + ": open it for reading, or in the request")
            };
            left = left
                .checked_sub(stat.size)
                .ok_or_else(|| refuse(format!("of {} bytes, which is more than is kept", stat.size)))?;
            let kept = file_contents::open_again(duplicate, Access::ReadAndWrite).and_then(|file| {
                Ok((
                    file_contents::contents(&file, stat.size)?,
                    if used.mapped.contains(&stat.inode) { None } else { Some(file_contents::data(&file)?) },
                    file,
                ))
            });
            let (contents, data, file) =
                kept.map_err(|errno| refuse(format!("that cannot be opened to be put back ({errno})")))?;
            held.push(WritableFile { number, file, stat, contents, data });
        }
        Ok(Self(held))
    }
}

impl Component for WritableFiles {
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        for held in &self.0 {
            if held.differs()? {
                let failed = |errno| {
                    let message =
                        format!("the file behind descriptor {} cannot be put back: {errno}", held.number);
                    Trouble::Refused(Reason::Files, message)
                };
                held.put_back().map_err(failed)?;
                if held.differs()? {
                    return Err(failed(Errno(5)));
                }
                restore.report.files_reverted += 1;
            }
        }
        restore.lap("files");
        Ok(())
    }

    fn difference(&mut self, _: &mut Stopped<'_>) -> Step<Option<String>> {
        for held in &self.0 {
            if held.differs()? {
                return Ok(Some(format!(
                    "the file behind descriptor {} is not as at the snapshot",
                    held.number
                )));
            }
        }
        Ok(None)
    }
}

impl WritableFile {
    fn differs(&self) -> Step<bool> {
        self.compare().or_trouble(Reason::Inspection, "comparing its files")
    }

    fn compare(&self) -> Result<bool> {
        let now = file_contents::stat(&self.file)?;
        Ok(now.size != self.stat.size
            || now.modified != self.stat.modified
            || file_contents::contents(&self.file, self.stat.size)? != self.contents
            || (self.data.is_some() && Some(file_contents::data(&self.file)?) != self.data))
    }

    fn put_back(&self) -> Result<()> {
        match &self.data {
            Some(data) => file_contents::rewrite_with_holes(&self.file, &self.contents, data)?,
            None => file_contents::rewrite(&self.file, &self.contents)?,
        }
        file_contents::set_times(&self.file, self.stat.accessed, self.stat.modified)
    }
}
