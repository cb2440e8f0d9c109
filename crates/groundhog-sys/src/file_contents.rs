//! Plain files that are open and have no name any more: read and written through another open file than theirs.

use crate::folder::{self, Stat};
use crate::kernel_types::{Errno, Result};
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::PathBuf;

/// What is known of it.
///
/// # Errors
/// As fstat(2).
pub fn stat(file: impl AsFd) -> Result<Stat> {
    Ok(folder::stat_of(&rustix::fs::fstat(file)?))
}

/// What the kernel calls it.
///
/// # Errors
/// As readlink(2).
pub fn name(file: impl AsFd) -> Result<PathBuf> {
    std::fs::read_link(folder::way_to(file.as_fd())).map_err(folder::from_io)
}

/// Its contents; `EFBIG` when they are more than `most` bytes.
///
/// # Errors
/// As open(2) and read(2).
pub fn contents(file: impl AsFd, most: u64) -> Result<Vec<u8>> {
    let mut contents = Vec::new();
    let file = open_again(file, OFlags::RDONLY)?;
    file.take(most + 1).read_to_end(&mut contents).map_err(folder::from_io)?;
    if contents.len() as u64 > most { Err(Errno(libc::EFBIG)) } else { Ok(contents) }
}

/// Extended attributes.
///
/// # Errors
/// As listxattr(2).
pub fn attributes(file: impl AsFd) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    folder::attributes_of(file.as_fd())
}

/// Gives it other contents, in place.
///
/// # Errors
/// As open(2), write(2) and ftruncate(2).
pub fn rewrite(file: impl AsFd, contents: &[u8]) -> Result<()> {
    folder::fill(&open_again(file, OFlags::WRONLY)?, contents)
}

/// Sets the times of the last access and the last change.
///
/// # Errors
/// As open(2) and utimensat(2).
pub fn set_times(file: impl AsFd, accessed: (i64, i64), modified: (i64, i64)) -> Result<()> {
    let file = open_again(file, OFlags::WRONLY)?;
    Ok(rustix::fs::futimens(&file, &folder::times(accessed, modified))?)
}

fn open_again(file: impl AsFd, access: OFlags) -> Result<File> {
    let flags = access | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(folder::way_to(file.as_fd()), flags, Mode::empty())?))
}
