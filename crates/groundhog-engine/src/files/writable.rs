//! Files that were open for writing at the snapshot: a request can change their contents by a mere write.
//!
//! Their contents are kept, and compared after every request. It concerns files that are the process's alone: those in its
//! private folders, and those without a name (temporary files, memory files), wherever they are.

use crate::error::{OrTrouble, Reason, Step, Trouble};
use groundhog_sys::file_contents::{self, Access};
use groundhog_sys::folder::{Kind, Stat};
use groundhog_sys::{Errno, Result};
use std::fs::File;
use std::os::fd::OwnedFd;

/// Most bytes that are kept of all of them.
const MOST_BYTES: u64 = 16 << 20;

#[derive(Debug)]
struct WritableFile {
    number: i32,
    /// To compare and to write; shares nothing with the process's own descriptor.
    file: File,
    stat: Stat,
    contents: Vec<u8>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct WritableFiles(Vec<WritableFile>);

impl WritableFiles {
    /// Keeps the contents of files. `files`: descriptors that are open for writing; `named_too`: also of those that have a name,
    /// since those are private.
    pub(crate) fn save<'a>(files: impl Iterator<Item = (i32, &'a OwnedFd)>, named_too: bool) -> Step<Self> {
        let mut left = MOST_BYTES;
        let mut held = Vec::new();
        for (number, duplicate) in files {
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
            let kept = file_contents::open_again(duplicate, Access::ReadAndWrite)
                .and_then(|file| Ok((file_contents::contents(&file, stat.size)?, file)));
            let (contents, file) =
                kept.map_err(|errno| refuse(format!("that cannot be opened to be put back ({errno})")))?;
            held.push(WritableFile { number, file, stat, contents });
        }
        Ok(Self(held))
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts their contents and times back; says how many had changed.
    pub(crate) fn revert(&self) -> Step<u64> {
        let mut reverted = 0;
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
                reverted += 1;
            }
        }
        Ok(reverted)
    }

    /// The first that differs.
    pub(crate) fn difference(&self) -> Step<Option<String>> {
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
            || file_contents::contents(&self.file, self.stat.size)? != self.contents)
    }

    fn put_back(&self) -> Result<()> {
        file_contents::rewrite(&self.file, &self.contents)?;
        file_contents::set_times(&self.file, self.stat.accessed, self.stat.modified)
    }
}
