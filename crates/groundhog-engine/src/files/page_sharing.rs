//! Which files may go to a pipe or socket as they are. The kernel goes on using their pages, and sends what they hold by then.

use super::{DELETED, Private};
use groundhog_sys::Tid;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

/// The pipes by which this process speaks with a program: their device and inode.
///
/// While the kernel moves something between a pipe and what makes it wait, such as a socket, nobody else can read or write that pipe, and
/// whoever tries cannot be interrupted (`splice_file_to_pipe` and `splice_to_socket` in fs/splice.c hold its lock).
#[derive(Debug)]
pub(crate) struct OurPipes(Vec<(u64, u64)>);

impl OurPipes {
    /// Those among some descriptors of this process.
    pub(crate) fn among(numbers: impl Iterator<Item = i32>) -> Self {
        let found = numbers.filter_map(|number| std::fs::metadata(format!("/proc/self/fd/{number}")).ok());
        Self(
            found
                .filter(|found| found.file_type().is_fifo())
                .map(|found| (found.dev(), found.ino()))
                .collect(),
        )
    }

    /// Whether a descriptor of a thread leads to one, or cannot be told not to.
    pub(crate) fn have(&self, thread: Tid, number: i32) -> bool {
        let found = std::fs::metadata(format!("/proc/{thread}/fd/{number}"));
        found.map_or(true, |found| self.0.contains(&(found.dev(), found.ino())))
    }
}

/// Whether a request may write in place to the file behind a descriptor of a thread: not to hand on its pages as they are.
///
/// Without a jail it may write to any file, and shared mappings of files are put back in place.
pub(crate) fn may_be_rewritten(private: &[Private], thread: Tid, number: i32) -> bool {
    let link = format!("/proc/{thread}/fd/{number}");
    let (Ok(found), Ok(name)) = (std::fs::metadata(&link), std::fs::read_link(&link)) else { return true };
    let kind = found.file_type();
    // Another thread could put another file in its place before the call is made.
    let is_alone =
        std::fs::read_dir(format!("/proc/{thread}/task")).is_ok_and(|threads| threads.count() == 1);
    if is_alone && (kind.is_fifo() || kind.is_socket() || kind.is_char_device()) {
        return false;
    }
    // It may have other names than the one by which it was opened, and which is gone.
    let nameless = found.nlink() == 0 || name.as_os_str().as_bytes().ends_with(DELETED);
    let written = |folder: &Private| folder.is_written_to(&name, found.ino());
    !is_alone || nameless || private.is_empty() || private.iter().any(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    /// By whatever number, or opened anew.
    #[test]
    fn our_pipes_are_known_by_their_inodes() {
        let this = Tid(std::process::id().cast_signed());
        let (ours, _other_end) = std::io::pipe().expect("a pipe");
        let (others, _) = std::io::pipe().expect("a pipe");
        let pipes = OurPipes::among([ours.as_raw_fd(), 900_000].into_iter());
        let anew = std::fs::File::options().write(true).open(format!("/proc/self/fd/{}", ours.as_raw_fd()));
        let anew = anew.expect("it can be opened");
        assert!(pipes.have(this, ours.as_raw_fd()) && pipes.have(this, anew.as_raw_fd()));
        assert!(!pipes.have(this, others.as_raw_fd()));
        assert!(pipes.have(this, 900_000), "nothing is known of what is not open");
    }
}
