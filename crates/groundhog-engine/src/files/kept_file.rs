//! What a plain file held at the snapshot, where its holes were, and when it was written; and what the kernel takes away from a file
//! that is written: the permission to become its owner, and its capabilities.

use super::holes::has_holes;
use groundhog_sys::file_contents::{self, Access};
use groundhog_sys::folder::Stat;
use groundhog_sys::{Errno, Result, last_page};
use std::fs::File;
use std::os::fd::AsFd;

/// It and a way to it.
#[derive(Debug)]
pub(super) struct KeptFile {
    /// Shares nothing with the process's own descriptor. Opened once: the process may watch its files being opened.
    file: File,
    can_write: bool,
    pub(super) stat: Stat,
    contents: Vec<u8>,
    /// Where it has data, and no holes.
    data: Vec<(u64, u64)>,
    /// What lies behind its end in its last page.
    behind: Vec<u8>,
    /// Extended attributes.
    attributes: Vec<(Vec<u8>, Vec<u8>)>,
    /// Its file system keeps it in memory, and tells exactly how much room it takes up.
    is_in_memory: bool,
}

impl KeptFile {
    /// Keeps it; `EFBIG` when it is larger than `most` bytes.
    pub(super) fn save(open: impl AsFd, access: Access, most: u64) -> Result<Self> {
        let file = file_contents::open_again(open, access)?;
        let stat = file_contents::stat(&file)?;
        Ok(Self {
            can_write: access == Access::ReadAndWrite,
            behind: last_page::behind_end(&file, stat.size)?,
            attributes: file_contents::attributes(&file)?,
            is_in_memory: file_contents::is_in_memory(&file)?,
            stat,
            contents: file_contents::contents(&file, most)?,
            data: file_contents::data(&file)?,
            file,
        })
    }

    /// Whether it is another by now.
    pub(super) fn differs(&self) -> Result<bool> {
        let now = file_contents::stat(&self.file)?;
        Ok(now.size != self.stat.size
            || now.modified != self.stat.modified
            || now.mode != self.stat.mode
            // Where it has the same data, something lies behind its last page: a huge page goes on there.
            || (self.is_in_memory && now.blocks != self.stat.blocks)
            || file_contents::data(&self.file)? != self.data
            || file_contents::contents(&self.file, self.stat.size)? != self.contents
            || last_page::behind_end(&self.file, self.stat.size)? != self.behind
            // Those that were set since are looked at by whoever sees them being set.
            || (!self.attributes.is_empty() && file_contents::attributes(&self.file)? != self.attributes))
    }

    /// Whether there are fewer holes in it than there were, or what was reserved is written.
    pub(super) fn has_filled_holes(&self) -> Result<bool> {
        Ok(has_holes(&self.stat, &self.data) && file_contents::data(&self.file)? != self.data)
    }

    /// Puts it back if it changed, and says whether it had; `EIO` when that does not help.
    pub(super) fn revert(&self) -> Result<bool> {
        if !self.differs()? {
            return Ok(false);
        }
        if self.can_write {
            self.put_back(&self.file)?;
        } else {
            self.put_back(&file_contents::open_again(&self.file, Access::ReadAndWrite)?)?;
        }
        // Room that was reserved, and written since, is given back, and not reserved again.
        let has_other_room = file_contents::stat(&self.file)?.blocks != self.stat.blocks;
        if has_other_room || self.differs()? { Err(Errno(5)) } else { Ok(true) }
    }

    fn put_back(&self, file: &File) -> Result<()> {
        file_contents::rewrite(file, &self.contents, &self.data, &self.behind)?;
        if file_contents::stat(file)?.mode != self.stat.mode {
            file_contents::set_mode(file, self.stat.mode)?;
        }
        file_contents::set_times(file, self.stat.accessed, self.stat.modified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{FallocateFlags, MemfdFlags, fallocate, memfd_create};
    use std::os::unix::fs::FileExt;

    #[test]
    fn room_behind_the_end_of_a_memory_file_is_given_back() {
        const SIZE: u64 = 5000;
        let file = File::from(memfd_create("kept", MemfdFlags::CLOEXEC).expect("a memory file"));
        file.write_all_at(&[1; SIZE as usize], 0).expect("there is room");
        let kept = KeptFile::save(&file, Access::ReadAndWrite, SIZE).expect("it can be opened");
        assert_eq!(kept.revert(), Ok(false));
        // As a huge page would, this leaves the times as they are.
        fallocate(&file, FallocateFlags::KEEP_SIZE, 0, 1 << 20).expect("there is room");
        file_contents::set_times(&file, kept.stat.accessed, kept.stat.modified).expect("it is ours");
        assert_eq!(kept.revert(), Ok(true));
        assert_eq!(file_contents::stat(&file).map(|stat| stat.blocks), Ok(kept.stat.blocks));
    }
}
