//! Plain files that are open: read and written through another open file than the process's own.

use crate::folder::{self, Stat};
use crate::kernel_types::{Errno, Result};
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// What an open file is to be used for.
#[derive(Clone, Copy, Debug)]
pub enum Access {
    /// To be read.
    Read,
    /// To be written.
    Write,
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
        Access::Write => OFlags::WRONLY,
        Access::ReadAndWrite => OFlags::RDWR,
    };
    let flags = access | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(folder::way_to(file.as_fd()), flags, Mode::empty())?))
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

/// Gives it other contents, in place.
///
/// # Errors
/// As write(2) and ftruncate(2).
pub fn rewrite(file: &File, contents: &[u8]) -> Result<()> {
    folder::fill(file, contents)
}

/// Sets the times of the last access and the last change.
///
/// # Errors
/// As utimensat(2).
pub fn set_times(file: &File, accessed: (i64, i64), modified: (i64, i64)) -> Result<()> {
    Ok(rustix::fs::futimens(file, &folder::times(accessed, modified))?)
}
