//! Which files may go to a pipe or socket as they are. The kernel goes on using their pages, and sends what they hold by then.

use super::{DELETED, Private};
use groundhog_sys::Tid;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

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
