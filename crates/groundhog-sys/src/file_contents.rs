//! Plain files that are open: read and written through another open file than the process's own.

use crate::folder::{self, Stat};
use crate::kernel_types::{Errno, Result};
use crate::last_page;
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// What an open file is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To be read.
    Read,
    /// Both.
    ReadAndWrite,
}

/// What is known of it.
///
/// # Errors
/// As fstat(2).
pub fn stat(file: impl AsFd) -> Result<Stat> {
    Ok(folder::stat_of(&rustix::fs::fstat(file)?))
}

/// Whether it is kept in memory, by a file system that counts exactly how much it takes up (tmpfs, which memory files lie on, too).
///
/// # Errors
/// As fstatfs(2).
pub fn is_in_memory(file: impl AsFd) -> Result<bool> {
    Ok(rustix::fs::fstatfs(file)?.f_type == libc::TMPFS_MAGIC)
}

/// What the kernel calls it.
///
/// # Errors
/// As readlink(2).
pub fn name(file: impl AsFd) -> Result<PathBuf> {
    std::fs::read_link(folder::way_to(file.as_fd())).map_err(folder::from_io)
}

/// Opens what is open once more, without a share in its flags and offset.
///
/// # Errors
/// As open(2).
pub fn open_again(file: impl AsFd, access: Access) -> Result<File> {
    let access = match access {
        Access::Read => OFlags::RDONLY,
        Access::ReadAndWrite => OFlags::RDWR,
    };
    let flags = access | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let way = folder::way_to(file.as_fd());
    let open = |flags| rustix::fs::open(&way, flags, Mode::empty());
    // Our looking at it is no access; only its owner may say so.
    let opened = match open(flags | OFlags::NOATIME) {
        Err(rustix::io::Errno::PERM) => open(flags),
        opened => opened,
    };
    Ok(File::from(opened?))
}

/// Its contents; `EFBIG` when they are more than `most` bytes.
///
/// # Errors
/// As pread(2).
pub fn contents(file: &File, most: u64) -> Result<Vec<u8>> {
    let size = file.metadata().map_err(folder::from_io)?.len();
    if size > most {
        return Err(Errno(libc::EFBIG));
    }
    let mut contents = vec![0; size as usize];
    let mut filled = 0;
    while filled < contents.len() {
        match file.read_at(&mut contents[filled..], filled as u64) {
            Ok(0) => break, // a message queue, which has less to tell than its size says
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(folder::from_io(error)),
        }
    }
    contents.truncate(filled);
    Ok(contents)
}

/// Extended attributes.
///
/// # Errors
/// As listxattr(2).
pub fn attributes(file: impl AsFd) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    folder::attributes_of(file.as_fd())
}

/// Gives it other contents, in place; `data`: where there are to be no holes; `behind`: what is to lie behind its end in its last page.
///
/// # Errors
/// As write(2), ftruncate(2) and mmap(2), for which it has to be open for reading, too.
pub fn rewrite(file: &File, contents: &[u8], data: &[(u64, u64)], behind: &[u8]) -> Result<()> {
    folder::fill(file, contents)?;
    folder::punch(file, data)?;
    last_page::set_behind_end(file, contents.len() as u64, behind)
}

/// Where it has data, and no holes: ranges of bytes. Moves the offset of the opening.
///
/// # Errors
/// As lseek(2).
pub fn data(file: &File) -> Result<Vec<(u64, u64)>> {
    folder::data_of(file)
}

/// Sets the times of the last access and the last change.
///
/// # Errors
/// As utimensat(2).
pub fn set_times(file: impl AsFd, accessed: (i64, i64), modified: (i64, i64)) -> Result<()> {
    Ok(rustix::fs::futimens(file, &folder::times(accessed, modified))?)
}

/// What is known of an open file beside its contents, and does not change by itself but for its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Permissions.
    pub mode: u32,
    /// User and group.
    pub owner: (u32, u32),
    /// How many names it has.
    pub links: u64,
    /// When it was last read: seconds and nanoseconds.
    pub accessed: (i64, i64),
    /// When it was last changed.
    pub modified: (i64, i64),
}

/// `fstat`: the attributes of an open file.
///
/// # Errors
/// As fstat(2).
pub fn inode_attributes(file: impl AsFd) -> Result<Attributes> {
    let Stat { mode, owner, links, accessed, modified, .. } = stat(file)?;
    Ok(Attributes { mode, owner, links, accessed, modified })
}

/// `fstat`: whether no name leads to an open file, which is a plain one.
///
/// # Errors
/// As fstat(2).
pub fn is_nameless(file: impl AsFd) -> Result<bool> {
    let stat = rustix::fs::fstat(file)?;
    Ok(stat.st_nlink == 0
        && rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::RegularFile)
}

/// `fchown`: sets the user and group of an open file.
///
/// # Errors
/// As fchown(2).
pub fn set_owner(file: impl AsFd, (user, group): (u32, u32)) -> Result<()> {
    let (user, group) = (rustix::fs::Uid::from_raw(user), rustix::fs::Gid::from_raw(group));
    Ok(rustix::fs::fchown(file, Some(user), Some(group))?)
}

/// `fchmod`: sets the permissions of an open file.
///
/// # Errors
/// As fchmod(2).
pub fn set_mode(file: impl AsFd, mode: u32) -> Result<()> {
    Ok(rustix::fs::fchmod(file, Mode::from_raw_mode(mode))?)
}
