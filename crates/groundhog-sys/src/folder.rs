//! A folder and what lies in it, named by paths that cannot lead out of it.
//!
//! Whoever could write into it may have planted symbolic links, pipes that nobody reads and names that lead elsewhere: no
//! link is followed and nothing but a plain file is ever opened.

use crate::kernel_types::{Errno, Result};
use crate::{file_contents, last_page};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Timespec, Timestamps};
use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A plain file.
    File,
    /// A symbolic link.
    Link,
    /// An overlay's mark that what shows through from below is deleted.
    Whiteout,
    /// A pipe, socket or device.
    Other,
}

/// What is known of it without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: EntryKind,
    /// Permissions.
    pub mode: u32,
    /// User and group.
    pub owner: (u32, u32),
    /// Bytes, of a plain file.
    pub size: u64,
    /// Bytes of a folder itself, which some file systems do not give back when names in it are gone.
    pub folder_size: u64,
    /// What the bytes of a file take up, in units of 512.
    pub blocks: u64,
    /// How many names a plain file or a symbolic link has.
    pub links: u64,
    /// When it was last read: seconds and nanoseconds.
    pub accessed: (i64, i64),
    /// When it was last changed.
    pub modified: (i64, i64),
    /// Its number in its file system.
    pub inode: u64,
}

/// An open folder.
#[derive(Debug)]
pub struct Folder(OwnedFd);

const INSIDE: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

impl Folder {
    /// A descriptor of one, which `O_PATH` suffices for.
    #[must_use]
    pub fn new(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }

    /// Opens one by its path.
    ///
    /// # Errors
    /// As open(2).
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?))
    }

    fn at(&self, path: &Path, flags: OFlags) -> Result<OwnedFd> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        Ok(rustix::fs::openat2(&self.0, path, flags, Mode::empty(), INSIDE)?)
    }

    /// The folder that a path's last name is in, and that name.
    fn parent<'a>(&self, path: &'a Path) -> Result<(OwnedFd, &'a OsStr)> {
        let name = path.file_name().ok_or(Errno(libc::EINVAL))?;
        let parent = path.parent().unwrap_or(Path::new(""));
        Ok((self.at(parent, OFlags::PATH | OFlags::DIRECTORY)?, name))
    }

    /// The names in a folder.
    ///
    /// # Errors
    /// As open(2) and getdents(2).
    pub fn names(&self, path: &Path) -> Result<Vec<PathBuf>> {
        let folder = self.at(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(folder)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(PathBuf::from(std::ffi::OsString::from_vec(name)));
            }
        }
        Ok(names)
    }

    /// What a path stands for; `None` when there is nothing.
    ///
    /// # Errors
    /// As stat(2).
    pub fn stat(&self, path: &Path) -> Result<Option<Stat>> {
        let found = self.at(path, OFlags::PATH);
        let found = match found.and_then(|file| Ok(rustix::fs::fstat(&file)?)) {
            Ok(found) => found,
            Err(Errno(libc::ENOENT | libc::ENOTDIR)) => return Ok(None),
            Err(errno) => return Err(errno),
        };
        Ok(Some(stat_of(&found)))
    }

    /// Extended attributes. What an overlay keeps for itself is seen only beneath it: ask where the process sees the file.
    ///
    /// # Errors
    /// As listxattr(2); none on a file system that has none.
    pub fn attributes(&self, path: &Path) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        attributes_of(self.at(path, OFlags::PATH)?.as_fd())
    }

    /// Whether an overlay hides all that lies below a folder that was written.
    ///
    /// # Errors
    /// As getxattr(2).
    pub fn is_opaque(&self, path: &Path) -> Result<bool> {
        let file = self.at(path, OFlags::PATH)?;
        let mut value = [0; 8];
        match rustix::fs::getxattr(way_to(file.as_fd()), c"user.overlay.opaque", &mut value[..]) {
            Ok(length) => Ok(value[..length] == *b"y"),
            Err(rustix::io::Errno::NODATA | rustix::io::Errno::OPNOTSUPP) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The contents of a plain file; `EFBIG` when they are more than `most` bytes.
    ///
    /// # Errors
    /// As open(2) and read(2).
    pub fn read(&self, path: &Path, most: u64) -> Result<Vec<u8>> {
        let file = std::fs::File::from(self.at(path, OFlags::RDONLY | OFlags::NONBLOCK)?);
        let mut contents = Vec::new();
        let mut limited = std::io::Read::take(file, most + 1);
        std::io::Read::read_to_end(&mut limited, &mut contents).map_err(from_io)?;
        if contents.len() as u64 > most { Err(Errno(libc::EFBIG)) } else { Ok(contents) }
    }

    /// Where a plain file has data, and no holes: ranges of bytes.
    ///
    /// # Errors
    /// As open(2) and lseek(2).
    pub fn data(&self, path: &Path) -> Result<Vec<(u64, u64)>> {
        data_of(&std::fs::File::from(self.at(path, OFlags::RDONLY | OFlags::NONBLOCK)?))
    }

    /// What lies behind the end of a plain file of this size in its last page.
    ///
    /// # Errors
    /// As open(2) and mmap(2).
    pub fn behind_end(&self, path: &Path, size: u64) -> Result<Vec<u8>> {
        let file = std::fs::File::from(self.at(path, OFlags::RDONLY | OFlags::NONBLOCK)?);
        last_page::behind_end(&file, size)
    }

    /// How many blocks and files there is room for.
    ///
    /// # Errors
    /// As fstatvfs(3).
    pub fn room(&self) -> Result<(u64, u64)> {
        let found = rustix::fs::fstatvfs(&self.0)?;
        Ok((found.f_bfree, found.f_ffree))
    }

    /// Whether its file system keeps files in memory only, or, as an overlay, may lie on one that does: there, reading a
    /// mapping of a file fills its holes, see tmpfs(5).
    ///
    /// # Errors
    /// As fstatfs(2).
    pub fn may_be_in_memory(&self) -> Result<bool> {
        const MAGIC: [libc::c_long; 3] = [libc::TMPFS_MAGIC, libc::OVERLAYFS_SUPER_MAGIC, 0x8584_58f6]; // the last is that of ramfs
        Ok(MAGIC.contains(&rustix::fs::fstatfs(&self.0)?.f_type))
    }

    /// Gives a plain file other contents, in place: what maps it or has it open goes on with it. `data`: where there are to
    /// be no holes; `behind`: what is to lie behind its end in its last page.
    ///
    /// # Errors
    /// As open(2), write(2), ftruncate(2) and mmap(2).
    pub fn rewrite(&self, path: &Path, contents: &[u8], data: &[(u64, u64)], behind: &[u8]) -> Result<()> {
        self.open_up(path)?;
        let file = std::fs::File::from(self.at(path, OFlags::RDWR | OFlags::NONBLOCK)?);
        file_contents::rewrite(&file, contents, data, behind)
    }

    /// Makes a plain file.
    ///
    /// # Errors
    /// As open(2) and write(2).
    pub fn create(&self, path: &Path, contents: &[u8]) -> Result<()> {
        let (parent, name) = self.parent(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&parent, name, flags, Mode::RUSR | Mode::WUSR)?;
        fill(&std::fs::File::from(file), contents)
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// As mkdir(2).
    pub fn make(&self, path: &Path) -> Result<()> {
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::mkdirat(&parent, name, Mode::RWXU)?)
    }

    /// Makes a symbolic link.
    ///
    /// # Errors
    /// As symlink(2).
    pub fn link(&self, path: &Path, target: &[u8]) -> Result<()> {
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::symlinkat(OsStr::from_bytes(target), &parent, name)?)
    }

    /// Where a symbolic link leads.
    ///
    /// # Errors
    /// As readlink(2).
    pub fn target(&self, path: &Path) -> Result<Vec<u8>> {
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::readlinkat(&parent, name, Vec::new())?.into_bytes())
    }

    /// Removes a name; a folder must be empty.
    ///
    /// # Errors
    /// As unlink(2) and rmdir(2).
    pub fn remove(&self, path: &Path, is_folder: bool) -> Result<()> {
        let (parent, name) = self.parent(path)?;
        let flags = if is_folder { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        Ok(rustix::fs::unlinkat(&parent, name, flags)?)
    }

    /// Sets permissions.
    ///
    /// # Errors
    /// As chmod(2).
    pub fn set_mode(&self, path: &Path, mode: u32) -> Result<()> {
        let file = self.at(path, OFlags::PATH)?;
        Ok(rustix::fs::chmod(way_to(file.as_fd()), Mode::from_raw_mode(mode))?)
    }

    /// Sets the times of the last access and the last change.
    ///
    /// # Errors
    /// As utimensat(2).
    pub fn set_times(&self, path: &Path, accessed: (i64, i64), modified: (i64, i64)) -> Result<()> {
        let times = times(accessed, modified);
        if path.as_os_str().is_empty() {
            return Ok(rustix::fs::utimensat(&self.0, c".", &times, AtFlags::empty())?);
        }
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::utimensat(&parent, name, &times, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Lets its owner read, write and enter what it has locked itself out of.
    ///
    /// # Errors
    /// As chmod(2).
    pub fn open_up(&self, path: &Path) -> Result<()> {
        let Some(stat) = self.stat(path)? else { return Ok(()) };
        let needed = match stat.kind {
            EntryKind::Folder => 0o700,
            EntryKind::File => 0o600,
            _ => return Ok(()),
        };
        if stat.mode & needed == needed { Ok(()) } else { self.set_mode(path, stat.mode | needed) }
    }
}

pub(crate) fn times(accessed: (i64, i64), modified: (i64, i64)) -> Timestamps {
    let time = |(seconds, nanoseconds)| Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    Timestamps { last_access: time(accessed), last_modification: time(modified) }
}

pub(crate) fn stat_of(found: &rustix::fs::Stat) -> Stat {
    let kind = match FileType::from_raw_mode(found.st_mode) {
        FileType::Directory => EntryKind::Folder,
        FileType::RegularFile => EntryKind::File,
        FileType::Symlink => EntryKind::Link,
        FileType::CharacterDevice if found.st_rdev == 0 => EntryKind::Whiteout,
        _ => EntryKind::Other,
    };
    let of_files = |value: u64| if kind == EntryKind::File { value } else { 0 };
    Stat {
        kind,
        mode: found.st_mode & 0o7777,
        owner: (found.st_uid, found.st_gid),
        size: of_files(found.st_size as u64),
        folder_size: if kind == EntryKind::Folder { found.st_size as u64 } else { 0 },
        blocks: of_files(found.st_blocks as u64),
        links: if matches!(kind, EntryKind::File | EntryKind::Link) { found.st_nlink } else { 0 },
        accessed: (found.st_atime, found.st_atime_nsec as i64),
        modified: (found.st_mtime, found.st_mtime_nsec as i64),
        inode: found.st_ino,
    }
}

/// Extended attributes, in order.
pub(crate) fn attributes_of(file: BorrowedFd<'_>) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    const MOST: usize = 64 * 1024;
    let way = way_to(file);
    let mut buffer = vec![0; MOST];
    let length = match rustix::fs::listxattr(&way, &mut buffer[..]) {
        Ok(length) => length,
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NODATA) => 0,
        Err(error) => return Err(error.into()),
    };
    let mut attributes = Vec::new();
    for name in buffer[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        if name == b"security.selinux" {
            continue; // given by the policy, to each copy its own
        }
        let mut value = vec![0; MOST];
        let length = rustix::fs::getxattr(&way, OsStr::from_bytes(name), &mut value[..])?;
        value.truncate(length);
        attributes.push((name.to_vec(), value));
    }
    attributes.sort();
    Ok(attributes)
}

/// A path of what is open already.
pub(crate) fn way_to(file: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

pub(crate) fn fill(file: &std::fs::File, contents: &[u8]) -> Result<()> {
    use std::os::unix::fs::FileExt;
    file.write_all_at(contents, 0).map_err(from_io)?;
    let length = contents.len() as u64;
    // Only where need be: to make a file shorter takes along pages that private mappings have for themselves.
    if file.metadata().map_err(from_io)?.len() != length {
        file.set_len(length).map_err(from_io)?;
    }
    Ok(())
}

/// Where an open file has data, and no holes: ranges of bytes.
pub(crate) fn data_of(file: &std::fs::File) -> Result<Vec<(u64, u64)>> {
    use rustix::fs::{SeekFrom, seek};
    let mut ranges = Vec::new();
    let mut at = 0;
    loop {
        let start = match seek(file, SeekFrom::Data(at)) {
            Ok(start) => start,
            Err(rustix::io::Errno::NXIO) => return Ok(ranges),
            Err(error) => return Err(error.into()),
        };
        at = seek(file, SeekFrom::Hole(start))?;
        ranges.push((start, at));
    }
}

/// Makes holes of what is no data, also beyond the end. Where a file system cannot, whoever compares sees it.
pub(crate) fn punch(file: &std::fs::File, data: &[(u64, u64)]) -> Result<()> {
    use rustix::fs::FallocateFlags;
    const BEYOND: u64 = 1 << 43; // the smallest of the largest files (ext4: 16 TiB)
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    let size = file.metadata().map_err(from_io)?.len();
    let mut at: u64 = 0;
    for (start, end) in data.iter().copied().chain([(size, size), (BEYOND, BEYOND)]) {
        if start > at {
            let _seen_when_compared =
                rustix::io::retry_on_intr(|| rustix::fs::fallocate(file, flags, at, start - at));
        }
        // The rest of the last page is no hole.
        at = at.max(end.next_multiple_of(crate::PAGE_SIZE));
    }
    Ok(())
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
pub(crate) fn from_io(error: std::io::Error) -> Errno {
    Errno(error.raw_os_error().unwrap_or(libc::EIO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> (PathBuf, Folder) {
        let path = std::env::temp_dir().join(format!("groundhog-folder-{}-{name}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        let folder = Folder::open(&path).unwrap();
        (path, folder)
    }

    #[test]
    fn where_files_may_be_in_memory_is_known() {
        let may_be = |path| Folder::open(Path::new(path)).unwrap().may_be_in_memory().unwrap();
        assert!(may_be("/dev/shm"));
        assert!(!may_be("/proc"));
    }

    #[test]
    fn files_are_made_read_rewritten_and_removed() {
        let (path, folder) = scratch("files");
        let name = Path::new("a/b");
        folder.make(Path::new("a")).unwrap();
        folder.create(name, b"first").unwrap();
        let before = folder.stat(name).unwrap().unwrap();
        assert_eq!(folder.read(name, 5), Ok(b"first".to_vec()));
        assert_eq!(folder.read(name, 4), Err(Errno(libc::EFBIG)));
        folder.set_mode(name, 0).unwrap();
        folder.rewrite(name, b"2nd", &[(0, 3)], b"").unwrap();
        let after = folder.stat(name).unwrap().unwrap();
        assert_eq!((after.inode, after.size, after.kind), (before.inode, 3, EntryKind::File));
        folder.set_times(name, (5, 6), (7, 9)).unwrap();
        let stat = folder.stat(name).unwrap().unwrap();
        assert_eq!((stat.accessed, stat.modified), ((5, 6), (7, 9)));
        assert_eq!(folder.data(name), Ok(vec![(0, 3)]));
        folder.remove(name, false).unwrap();
        folder.remove(Path::new("a"), true).unwrap();
        assert_eq!(folder.names(Path::new("")), Ok(vec![]));
        std::fs::remove_dir(path).unwrap();
    }

    #[test]
    fn no_link_leads_out() {
        let (path, folder) = scratch("links");
        folder.link(Path::new("out"), b"/etc").unwrap();
        assert_eq!(folder.stat(Path::new("out")).unwrap().unwrap().kind, EntryKind::Link);
        assert_eq!(folder.target(Path::new("out")), Ok(b"/etc".to_vec()));
        assert!(folder.read(Path::new("out/passwd"), 1 << 20).is_err());
        assert!(folder.stat(Path::new("../x")).is_err());
        folder.remove(Path::new("out"), false).unwrap();
        std::fs::remove_dir(path).unwrap();
    }
}
