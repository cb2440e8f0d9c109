//! Reading what `/proc` tells of a process; what cannot be read or understood is refused.

use crate::error::{OrTrouble, Reason, Step, Trouble};
use groundhog_proc::maps::{self, Mapping, Name};
use groundhog_proc::status::{self, Status};
use groundhog_sys::Tid;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// Longest list of mappings that is read, some times that of as many as the kernel allows by default.
///
/// It has the name of a file as often as that is mapped, and how long a name may be only depends on how deep its folder is.
const MOST_OF_MAPPINGS: usize = 128 << 20;
/// `EFBIG`
const TOO_LONG: i32 = 27;

/// Reads a list of mappings (`maps`, `smaps`, `numa_maps`) from its beginning.
///
/// # Errors
/// `EFBIG` for one that is too long.
pub(crate) fn read_mappings(file: &File, text: &mut Vec<u8>) -> std::io::Result<()> {
    const AT_ONCE: usize = 16 * 1024;
    text.clear();
    let mut done = 0;
    loop {
        text.resize(done + AT_ONCE, 0);
        match file.read_at(&mut text[done..], done as u64)? {
            0 => break,
            count => done += count,
        }
        if done > MOST_OF_MAPPINGS {
            *text = Vec::new();
            return Err(std::io::Error::from_raw_os_error(TOO_LONG));
        }
    }
    text.truncate(done);
    Ok(())
}

/// Reads one by its name under `/proc`, likewise.
pub(crate) fn mappings(of: Tid, name: &str) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    read_mappings(&File::open(format!("/proc/{of}/{name}"))?, &mut text)?;
    Ok(text)
}

/// The status of a thread; that of the first one is the process's.
pub(crate) fn status(pid: Tid, tid: Tid) -> Step<Status> {
    let text = std::fs::read(format!("/proc/{pid}/task/{tid}/status"))
        .or_trouble(Reason::Inspection, "reading its status")?;
    status::parse(&text).map_err(|error| Trouble::Refused(Reason::Inspection, error.to_string()))
}

/// The text that the kernel has on a descriptor.
pub(crate) fn fdinfo(pid: Tid, number: i32) -> Step<Vec<u8>> {
    std::fs::read(format!("/proc/{pid}/fdinfo/{number}"))
        .or_trouble(Reason::Inspection, "reading its descriptors")
}

/// The file of that text, which tells of whatever has the number by then.
pub(crate) fn open_fdinfo(pid: Tid, number: i32) -> Step<File> {
    File::open(format!("/proc/{pid}/fdinfo/{number}"))
        .or_trouble(Reason::Inspection, "reading its descriptors")
}

/// Reads such a file from its beginning once more.
pub(crate) fn read_anew(file: &File, what: &'static str) -> Step<Vec<u8>> {
    let mut text = Vec::new();
    let mut file = file;
    file.rewind().and_then(|()| file.read_to_end(&mut text)).or_trouble(Reason::Inspection, what)?;
    Ok(text)
}

/// Whether all that a thread has mapped between two addresses is private, and there is some; not if it cannot be read.
pub(crate) fn is_private(tid: Tid, start: u64, end: u64) -> bool {
    all_within(tid, start, end, |mapping| !mapping.perms.shared)
}

/// Whether it is of no file, either, so that nobody without this memory can write there.
pub(crate) fn is_anonymous(tid: Tid, start: u64, end: u64) -> bool {
    all_within(tid, start, end, |mapping| {
        let is_memory =
            matches!(mapping.name, Name::Anonymous | Name::NamedAnonymous(_) | Name::Heap | Name::Stack);
        is_memory && !mapping.perms.shared
    })
}

fn all_within(tid: Tid, start: u64, end: u64, is_so: impl Fn(&Mapping) -> bool) -> bool {
    let text = self::mappings(tid, "maps").unwrap_or_default();
    let mappings = maps::parse(&text).unwrap_or_default();
    let mut within = mappings.iter().filter(|mapping| mapping.start < end && start < mapping.end).peekable();
    within.peek().is_some() && within.all(is_so)
}

/// A path as the kernel writes it.
pub(crate) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}
