//! What lies behind the end of a plain file in its last page. No call that reads the file tells of it; whoever maps the file sees it,
//! and may write it, see mmap(2).

use crate::kernel_types::{PAGE_SIZE, RemoteAddr, Result};
use crate::process_vm;
use rustix::fs::{SeekFrom, seek};
use rustix::mm::{MapFlags, ProtFlags};
use std::fs::File;

const PAGE: usize = PAGE_SIZE as usize;

/// The last page of a file, mapped as long as this lives. Whoever makes the file shorter takes the page away, so that nothing but the
/// kernel may touch it.
struct LastPage {
    at: *mut libc::c_void,
    /// How much of it the file takes up.
    filled: usize,
}

impl LastPage {
    /// None where the file ends with a page, has a hole there, or is of a kind that cannot be mapped. (To read a hole where files are in
    /// memory is to fill it.)
    fn of(file: &File, size: u64, writes: bool) -> Result<Option<Self>> {
        let filled = (size % PAGE_SIZE) as usize;
        let start = size - filled as u64;
        if filled == 0 || matches!(seek(file, SeekFrom::Hole(start)), Ok(hole) if hole == start) {
            return Ok(None);
        }
        // Of a sealed file older kernels allow no other mapping for reading (before Linux 6.7).
        let (protection, flags) = if writes {
            (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED)
        } else {
            (ProtFlags::READ, MapFlags::PRIVATE)
        };
        // SAFETY: the kernel chooses an address at which nothing is mapped. No reference to it is made. mmap(2).
        let at = unsafe { rustix::mm::mmap(std::ptr::null_mut(), PAGE, protection, flags, file, start) };
        match at {
            Ok(at) => Ok(Some(Self { at, filled })),
            Err(rustix::io::Errno::NODEV) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    fn behind_end(&self) -> RemoteAddr {
        RemoteAddr((self.at as usize + self.filled) as u64)
    }
}

impl Drop for LastPage {
    fn drop(&mut self) {
        // SAFETY: it was mapped by `of`, and nobody has a reference to it. munmap(2).
        let _cannot_fail = unsafe { rustix::mm::munmap(self.at, PAGE) };
    }
}

/// What lies behind the end of a file of this size, which is open for reading, up to its last byte that is not zero. Moves the offset
/// of the opening.
///
/// # Errors
/// As mmap(2); `EFAULT` or `EIO` where the file is shorter.
pub fn behind_end(file: &File, size: u64) -> Result<Vec<u8>> {
    let Some(page) = LastPage::of(file, size, false)? else { return Ok(Vec::new()) };
    let mut bytes = vec![0; PAGE - page.filled];
    process_vm::read_own(page.behind_end(), &mut bytes)?;
    let length = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.truncate(length);
    Ok(bytes)
}

/// Has this lie behind the end of a file of this size, which is open for reading and writing, and then zeros. Where the last page is
/// a hole, whoever compares sees it.
///
/// # Errors
/// As [`behind_end`].
pub fn set_behind_end(file: &File, size: u64, bytes: &[u8]) -> Result<()> {
    let Some(page) = LastPage::of(file, size, true)? else { return Ok(()) };
    let mut whole = bytes.to_vec();
    whole.resize(PAGE - page.filled, 0);
    process_vm::write_own(page.behind_end(), &whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Errno;
    use rustix::fs::MemfdFlags;
    use std::os::unix::fs::FileExt;

    fn file(contents: &[u8]) -> File {
        let file = File::from(rustix::fs::memfd_create("last page", MemfdFlags::CLOEXEC).unwrap());
        file.write_all_at(contents, 0).unwrap();
        file
    }

    #[test]
    fn what_lies_behind_the_end_is_told_and_set() {
        let file = file(&[1; 5000]);
        assert_eq!(behind_end(&file, 5000), Ok(vec![]));
        set_behind_end(&file, 5000, b"\0rest").unwrap();
        assert_eq!(behind_end(&file, 5000), Ok(b"\0rest".to_vec()));
        assert_eq!(file.metadata().unwrap().len(), 5000);
        set_behind_end(&file, 5000, b"").unwrap();
        assert_eq!(behind_end(&file, 5000), Ok(vec![]));
    }

    /// For files of a user that functions of root's become.
    #[test]
    fn it_is_set_by_a_thread_that_acts_as_another_user() {
        let file = file(&[1; 5000]);
        let _user = crate::jail::ActingAs::new((65534, 65534));
        set_behind_end(&file, 5000, b"rest").unwrap();
        assert_eq!(behind_end(&file, 5000), Ok(b"rest".to_vec()));
    }

    #[test]
    fn whole_pages_and_holes_have_nothing_behind_them() {
        let whole = file(&[1; PAGE]);
        assert_eq!(behind_end(&whole, PAGE_SIZE), Ok(vec![]));
        let sparse = file(&[1; 10]);
        sparse.set_len(PAGE_SIZE + 10).unwrap();
        let blocks = || rustix::fs::fstat(&sparse).unwrap().st_blocks;
        let before = blocks();
        assert_eq!(behind_end(&sparse, PAGE_SIZE + 10), Ok(vec![]));
        assert_eq!(blocks(), before, "the hole is none any more");
    }

    #[test]
    fn a_file_that_has_become_shorter_is_an_error() {
        let file = file(&[1; 10]);
        let page = LastPage::of(&file, 10, false).unwrap().unwrap();
        file.set_len(0).unwrap();
        let read = process_vm::read_own(page.behind_end(), &mut [0]);
        assert!(matches!(read, Err(Errno(libc::EFAULT | libc::EIO))), "{read:?}");
    }
}
