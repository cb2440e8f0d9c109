//! Files that were open for writing at the snapshot: a request can change their contents by a mere write.
//!
//! Their contents are kept, and compared after every request. It concerns files that are the process's alone: those in its
//! private folders, and those without a name (temporary files, memory files), wherever they are.

use crate::error::{OrTrouble, Reason, Step, Trouble};
use groundhog_sys::{Errno, fcntl};
use std::os::fd::{AsFd, OwnedFd};

/// Most bytes that are kept of all of them.
const MOST_BYTES: u64 = 16 << 20;

#[derive(Debug)]
struct WritableFile {
    number: i32,
    /// To compare and to write; shares nothing with the process's own descriptor.
    file: OwnedFd,
    state: fcntl::FileState,
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
            let state =
                fcntl::file_state(duplicate).or_trouble(Reason::Inspection, "looking at its files")?;
            let Some(state) = state.filter(|state| named_too || state.links == 0) else { continue };
            left = left.checked_sub(state.size).ok_or_else(|| {
                let message = format!(
                    "descriptor {number} is open for writing on a file of {} bytes, which is more than is kept: open it for \
                     reading, or in the request",
                    state.size
                );
                Trouble::Refused(Reason::Files, message)
            })?;
            let file = match fcntl::open_again(duplicate) {
                Ok(file) => file,
                // Somebody else's, such as an inherited log.
                Err(Errno(1 | 13 | 30)) => continue, // EPERM, EACCES, EROFS
                Err(errno) => return Err(Trouble::system(Reason::Inspection, "opening its files", errno)),
            };
            let contents =
                fcntl::contents(&file, state.size).or_trouble(Reason::Inspection, "reading its files")?;
            held.push(WritableFile { number, file, state, contents });
        }
        Ok(Self(held))
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
                fcntl::put_contents(&held.file, &held.contents, held.state).map_err(failed)?;
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
        let now =
            fcntl::file_state(self.file.as_fd()).or_trouble(Reason::Inspection, "looking at its files")?;
        let same = |now: fcntl::FileState| now.size == self.state.size && now.modified == self.state.modified;
        if !now.is_some_and(same) {
            return Ok(true);
        }
        let contents = fcntl::contents(&self.file, self.state.size)
            .or_trouble(Reason::Inspection, "reading its files")?;
        Ok(contents != self.contents)
    }
}
