//! State of an open file that a duplicate shares: its flags and its offset.

use crate::forking::Found;
use crate::kernel_types::{Errno, Result};
use rustix::fs::{Mode, OFlags, SeekFrom};
use rustix::io::retry_on_intr;
use rustix::pipe::PipeFlags;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

/// `F_GETFL`: access mode and status flags.
///
/// # Errors
/// As fcntl(2).
pub fn status_flags(fd: impl AsFd) -> Result<u32> {
    Ok(rustix::fs::fcntl_getfl(fd)?.bits())
}

/// `F_SETFL`: sets `O_APPEND`, `O_ASYNC`, `O_DIRECT`, `O_NOATIME` and `O_NONBLOCK`.
///
/// # Errors
/// As fcntl(2).
pub fn set_status_flags(fd: impl AsFd, flags: u32) -> Result<()> {
    Ok(rustix::fs::fcntl_setfl(fd, OFlags::from_bits_retain(flags))?)
}

/// Has a descriptor's number lead to nothing (`/dev/null`), in a child of fork(2): what the parent has open there is then its alone, and
/// whoever closes the number in the child closes nothing else.
pub fn give_up_in_child(number: RawFd) {
    let nothing = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
    // SAFETY: dup3(2) and close(2) take numbers alone. The caller's owner of this one stays in the parent, or finds a file there still.
    unsafe {
        match nothing {
            Ok(nothing) => libc::dup3(nothing.as_raw_fd(), number, libc::O_CLOEXEC),
            Err(_) => libc::close(number),
        };
    }
}

/// `lseek`: the offset of a seekable file, `None` for others.
#[must_use]
pub fn offset(fd: impl AsFd) -> Option<u64> {
    rustix::fs::seek(fd, SeekFrom::Current(0)).ok()
}

/// `lseek`: sets the offset.
///
/// # Errors
/// As lseek(2).
pub fn set_offset(fd: impl AsFd, offset: u64) -> Result<()> {
    Ok(rustix::fs::seek(fd, SeekFrom::Start(offset)).map(drop)?)
}

/// Throws away what a pipe holds now, without waiting, whatever its flags are; says how many bytes it was. Where the kernel
/// notes when pipes are read, that is noted, as by read(2), not by splice(2).
///
/// # Errors
/// As splice(2), but for `EAGAIN`, and futimens(2).
pub fn drain_pipe(fd: impl AsFd) -> Result<u64> {
    drain_pipes(std::slice::from_ref(&fd))
}

/// [`drain_pipe`] of several, most of which hold nothing.
///
/// # Errors
/// As [`drain_pipe`]
pub fn drain_pipes(fds: &[impl AsFd]) -> Result<u64> {
    let full = fds.iter().zip(readable(fds.iter())?).filter(|(_, readable)| *readable);
    full.map(|(fd, _)| drain_readable(fd)).sum()
}

fn drain_readable(fd: impl AsFd) -> Result<u64> {
    use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
    use rustix::pipe::{SpliceFlags, splice};
    const MOST: usize = 1 << 20;
    let nowhere = rustix::fs::open("/dev/null", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut total = 0;
    loop {
        let moved = retry_on_intr(|| splice(fd.as_fd(), None, &nowhere, None, MOST, SpliceFlags::NONBLOCK));
        match moved {
            Ok(0) | Err(rustix::io::Errno::AGAIN) => break,
            Ok(count) => total += count as u64,
            Err(error) => return Err(error.into()),
        }
    }
    if total > 0 && pipes_note_times() {
        let at = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
        let now = Timestamps { last_access: at(UTIME_NOW), last_modification: at(UTIME_OMIT) };
        rustix::fs::futimens(fd, &now)?;
    }
    Ok(total)
}

/// Reads and throws away events, of which there are some as long as it is readable; says how many bytes it was.
///
/// # Errors
/// As read(2); `EBUSY` when they do not end.
pub fn drain_events(fd: &OwnedFd) -> Result<u64> {
    const MAX_READS: usize = 4096;
    let mut total = 0;
    let mut buffer = [0_u8; 16 * 1024];
    for _ in 0..MAX_READS {
        if !readable(std::iter::once(fd))?[0] {
            return Ok(total);
        }
        match rustix::io::read(fd, &mut buffer) {
            Ok(0) | Err(rustix::io::Errno::AGAIN) => return Ok(total),
            Ok(count) => total += count as u64,
            Err(error) => return Err(error.into()),
        }
    }
    Err(Errno(libc::EBUSY))
}

/// Whether an open file is a terminal, or the master's side of one.
#[must_use]
pub fn is_terminal(fd: impl AsFd) -> bool {
    rustix::termios::isatty(fd)
}

/// Whether an open file is the master's side of a terminal.
#[must_use]
pub fn is_terminal_master(fd: impl AsFd) -> bool {
    rustix::pty::ptsname(fd, Vec::new()).is_ok()
}

/// `fstat`: the major and the minor number of a character device, `None` for what is none.
#[must_use]
pub fn character_device(fd: impl AsFd) -> Option<(u32, u32)> {
    let stat = rustix::fs::fstat(fd).ok()?;
    let is_one = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_char_device();
    is_one.then(|| (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev)))
}

/// `fstatfs`: whether an open file is no store of bytes but a setting of the kernel's, which a write changes.
#[must_use]
pub fn is_setting(fd: impl AsFd) -> bool {
    // linux/magic.h: proc, sysfs, cgroup, cgroup2, debugfs, tracefs, securityfs, bpf, configfs, selinuxfs, efivarfs.
    const SETTINGS: [i64; 11] = [
        0x9fa0,
        0x6265_6572,
        0x0027_e0eb,
        0x6367_7270,
        0x6462_6720,
        0x7472_6163,
        0x7363_6673,
        0xcafe_4a11,
        0x6265_6570,
        0xf97c_ff8c,
        0xde5e_81e4,
    ];
    rustix::fs::fstatfs(fd).map_or(true, |system| SETTINGS.contains(&(system.f_type & 0xffff_ffff)))
}

/// What an open file is, as far as bytes can wait in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileType {
    /// A pipe: what waits can be read away.
    Pipe,
    /// A socket.
    Socket,
    /// Something without a file: an eventfd, a timer, an epoll set.
    Anonymous,
    /// A file or device, where nothing waits.
    File,
}

/// `fstat`: what an open file is.
///
/// # Errors
/// As fstat(2).
pub fn kind(fd: impl AsFd) -> Result<FileType> {
    use rustix::fs::FileType as Mode;
    let mode = rustix::fs::fstat(fd)?.st_mode;
    Ok(match Mode::from_raw_mode(mode) {
        Mode::Fifo => FileType::Pipe,
        Mode::Socket => FileType::Socket,
        Mode::Unknown => FileType::Anonymous,
        _ => FileType::File,
    })
}

/// What `poll` tells of an open file.
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each with a name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// It could be read now without waiting, if only a byte out of band.
    pub readable: bool,
    /// A byte out of band waits.
    pub urgent: bool,
    /// Nobody has the other end any more.
    pub hung_up: bool,
    /// An error waits, or one in a socket's queue of them.
    pub failed: bool,
}

/// `poll`: what each of these is ready for.
///
/// # Errors
/// As poll(2).
pub fn ready<'a, F: AsFd + 'a>(fds: impl Iterator<Item = &'a F>) -> Result<Vec<Ready>> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut polled: Vec<PollFd<'_>> = fds.map(|fd| PollFd::new(fd, PollFlags::IN | PollFlags::PRI)).collect();
    retry_on_intr(|| poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })))?;
    let told = polled.iter().map(|fd| {
        let told = fd.revents();
        Ready {
            readable: told.intersects(PollFlags::IN | PollFlags::PRI),
            urgent: told.contains(PollFlags::PRI),
            hung_up: told.contains(PollFlags::HUP),
            failed: told.contains(PollFlags::ERR),
        }
    });
    Ok(told.collect())
}

/// `poll`: which of these could be read now without waiting, if only a byte out of band.
///
/// # Errors
/// As poll(2).
pub fn readable<'a, F: AsFd + 'a>(fds: impl Iterator<Item = &'a F>) -> Result<Vec<bool>> {
    Ok(ready(fds)?.iter().map(|file| file.readable).collect())
}

/// `fstatfs`: whether a pipe was made by pipe(2), and not opened by a name.
#[must_use]
pub fn is_unnamed_pipe(fd: impl AsFd) -> bool {
    const PIPEFS: i64 = 0x5049_5045; // linux/magic.h
    rustix::fs::fstatfs(fd).is_ok_and(|system| system.f_type & 0xffff_ffff == PIPEFS)
}

/// Whether a pipe lies where the kernel does not note when files are read (`noatime`).
#[must_use]
pub fn is_read_unnoted(fd: impl AsFd) -> bool {
    use rustix::fs::StatVfsMountFlags;
    rustix::fs::fstatvfs(fd).is_ok_and(|system| system.f_flag.contains(StatVfsMountFlags::NOATIME))
}

/// Whether this kernel notes when a pipe without a name was read and written: up to Linux 6.14. Tried once.
#[must_use]
pub fn pipes_note_times() -> bool {
    static FOUND: Found<bool> = Found::new();
    *FOUND.or(|| {
        const LONG_AGO: (i64, i64) = (1, 0);
        let tried = || -> Result<bool> {
            let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
            crate::file_contents::set_times(&reader, LONG_AGO, LONG_AGO)?;
            rustix::io::write(&writer, &[0])?;
            rustix::io::read(&reader, &mut [0])?;
            let stat = rustix::fs::fstat(&reader)?;
            Ok((stat.st_atime, stat.st_mtime) != (LONG_AGO.0, LONG_AGO.0))
        };
        tried().unwrap_or(true)
    })
}

/// `poll`: whether the other end of it is gone.
///
/// # Errors
/// As poll(2).
pub fn is_hung_up(fd: impl AsFd) -> Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut polled = [PollFd::new(&fd, PollFlags::empty())];
    retry_on_intr(|| poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })))?;
    Ok(polled[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL))
}

/// `FIONREAD`: how many bytes wait, for what can tell.
#[must_use]
pub fn waiting_bytes(fd: impl AsFd) -> Option<u64> {
    rustix::io::ioctl_fionread(fd).ok()
}

/// `fstat`: the inode number, which tells sockets and pipes apart.
///
/// # Errors
/// As fstat(2).
pub fn inode(fd: impl AsFd) -> Result<u64> {
    Ok(rustix::fs::fstat(fd)?.st_ino)
}

/// `fstat`: likewise, of whatever has this number now.
///
/// # Errors
/// `EBADF` when nothing has.
pub fn inode_of_number(number: i32) -> Result<u64> {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: fstat(2) takes any number, and writes a structure of this size or answers an error.
    crate::kernel_types::check(i64::from(unsafe { libc::fstat(number, stat.as_mut_ptr()) }))?;
    // SAFETY: all bytes were zero, and the kernel filled it.
    Ok(unsafe { stat.assume_init() }.st_ino)
}

/// `fstatfs`: whether an open file is a POSIX message queue.
#[must_use]
pub fn is_message_queue(fd: impl AsFd) -> bool {
    // MQUEUE_MAGIC, which no header has (ipc/mqueue.c).
    rustix::fs::fstatfs(fd).is_ok_and(|system| system.f_type == 0x1980_0202)
}

/// `pread`: the first bytes of a file, at most so many.
///
/// # Errors
/// As pread(2).
pub fn beginning(fd: impl AsFd, most: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; most];
    let count = rustix::io::pread(fd, &mut bytes, 0)?;
    bytes.truncate(count);
    Ok(bytes)
}

/// What can be set on an open file beside its flags and its offset. What a kind of file lacks is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `F_GETOWN`: who is told of input; a process, or a group when negative.
    pub owner: i32,
    /// The type in `F_GETOWN_EX`: a thread, a process or a group.
    pub owner_type: i32,
    /// `F_GETOWNER_UIDS`: on whose behalf they are told, the real and the effective user who set the owner last.
    pub owner_uids: [u32; 2],
    /// `F_GETSIG`: by which signal.
    pub signal: i32,
    /// `F_GETPIPE_SZ`: how much a pipe holds.
    pub pipe_size: i32,
    /// `F_GET_SEALS`: what may not be done any more to a file in memory.
    pub seals: i32,
}

/// `fcntl`: the settings of an open file.
#[must_use]
pub fn settings(fd: impl AsFd) -> Settings {
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: these operations take no argument and answer a number or an error. fcntl(2).
    let ask = |operation| unsafe { libc::fcntl(fd, operation) };
    let or_none = |answer: i32| answer.max(0);
    let mut owner = [0_i32; 2];
    let mut owner_uids = [0_u32; 2];
    // SAFETY: the kernel writes a type and a process id, two numbers. fcntl(2).
    unsafe { libc::fcntl(fd, F_GETOWN_EX, &raw mut owner) };
    // SAFETY: the kernel writes two user ids, or nothing where it is built without this. fcntl(2).
    unsafe { libc::fcntl(fd, F_GETOWNER_UIDS, &raw mut owner_uids) };
    Settings {
        owner: ask(libc::F_GETOWN),
        owner_type: owner[0],
        owner_uids,
        signal: or_none(ask(F_GETSIG)),
        pipe_size: or_none(ask(libc::F_GETPIPE_SZ)),
        seals: or_none(ask(libc::F_GET_SEALS)),
    }
}

/// `F_GETSIG` (`asm-generic/fcntl.h`)
const F_GETSIG: i32 = 11;
const F_GETOWN_EX: i32 = 16;
const F_GETOWNER_UIDS: i32 = 17;

/// A pipe, both ends close-on-exec.
///
/// # Errors
/// As pipe(2).
pub fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?)
}

/// A duplicate, close-on-exec.
///
/// # Errors
/// As fcntl(2).
pub fn duplicate(fd: impl AsFd) -> Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(fd, 0)?)
}

/// An eventfd that does not block, close-on-exec.
///
/// # Errors
/// As eventfd(2).
pub fn eventfd() -> Result<OwnedFd> {
    use rustix::event::EventfdFlags;
    Ok(rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)
}

/// Makes an eventfd readable.
///
/// # Errors
/// As write(2).
pub fn signal_eventfd(fd: impl AsFd) -> Result<()> {
    Ok(rustix::io::write(fd, &1_u64.to_ne_bytes()).map(drop)?)
}

/// Makes an eventfd unreadable again.
pub fn clear_eventfd(fd: impl AsFd) {
    let mut count = [0; 8];
    let _nothing_to_clear = rustix::io::read(fd, &mut count);
}

/// Opens a folder to be listed.
///
/// # Errors
/// As open(2).
pub fn open_folder(path: &str) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// The names in an open folder that are numbers, from its beginning, in the kernel's order.
///
/// # Errors
/// As getdents64(2).
pub fn list_numbers(folder: impl AsFd, numbers: &mut Vec<i32>) -> Result<()> {
    let folder = folder.as_fd();
    rustix::fs::seek(folder, SeekFrom::Start(0))?;
    let mut buffer = [std::mem::MaybeUninit::<u8>::uninit(); 4096];
    let mut entries = rustix::fs::RawDir::new(folder, &mut buffer);
    while let Some(entry) = entries.next() {
        if let Some(number) = entry?.file_name().to_str().ok().and_then(|name| name.parse().ok()) {
            numbers.push(number);
        }
    }
    Ok(())
}

/// Has the kernel list an open folder anew from its beginning, and goes back to where it was.
///
/// # Errors
/// As getdents64(2) and lseek(2).
pub fn list_anew(folder: impl AsFd, offset: u64) -> Result<()> {
    list_numbers(folder.as_fd(), &mut Vec::new())?;
    set_offset(folder, offset)
}

/// A duplicate, close-on-exec, of a descriptor known by number only.
///
/// # Errors
/// `EBADF` when nothing is open under that number.
pub fn duplicate_number(number: i32) -> Result<OwnedFd> {
    // SAFETY: F_DUPFD_CLOEXEC takes any number and answers a new descriptor or an error. fcntl(2).
    let copy =
        crate::kernel_types::check(i64::from(unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 0) }))?;
    // SAFETY: the kernel just made this descriptor, and nobody else knows it.
    Ok(unsafe { std::os::fd::FromRawFd::from_raw_fd(copy as i32) })
}
