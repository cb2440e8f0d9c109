//! Duplicates of everything that a stopped process has open, and what each is.

use super::refuse;
use crate::duplicate::{self, Duplicate};
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::trace::inspect;
use crate::trace::process::Process;
use groundhog_sys::fcntl::FileType;
use groundhog_sys::{Tid, fcntl, file_contents, kcmp, socket};
use std::collections::BTreeSet;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

/// Kinds of files through which the kernel works on memory on its own; none may be open at a snapshot or be opened.
const FORBIDDEN: [&str; 4] = ["[io_uring]", "[userfaultfd]", "[perf_event]", "bpf"];
/// Memory behind a `memfd_secret`, which nobody else can read.
const UNREADABLE: &str = "/secretmem (deleted)";
/// `O_ACCMODE`
const ACCESS: u32 = 3;
/// `O_PATH`: opened for its name only.
const NAME_ONLY: u32 = 0o10_000_000;
/// `null`, `zero`, `full`, `random`, `urandom`: devices that keep nothing for whoever has them open (`Documentation/admin-guide/
/// devices.txt` of the kernel).
const FORGETFUL: [(u32, u32); 5] = [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9)];

/// An open file of the snapshot.
#[derive(Clone, Debug)]
pub(crate) struct OpenFile {
    pub(crate) number: i32,
    pub(crate) duplicate: Arc<Duplicate>,
    pub(crate) kind: FileType,
    /// Access mode and status flags.
    pub(crate) flags: u32,
    /// None for what has none, such as pipes.
    pub(crate) offset: Option<u64>,
    /// Of all files of its kind.
    pub(crate) inode: u64,
    /// What `/proc` calls it.
    pub(crate) name: String,
    /// What `/proc` tells of it.
    pub(crate) info: Vec<u8>,
    /// This process has the same open file, such as an inherited log: what it is set to is not the function's alone.
    pub(crate) is_ours: bool,
}

impl OpenFile {
    /// Whether one can write to it.
    pub(crate) fn is_writable(&self) -> bool {
        self.flags & ACCESS != 0
    }

    /// Whether it watches files, for inotify(7) or fanotify(7).
    pub(crate) fn is_watching(&self) -> bool {
        let mut lines = self.info.split(|byte| *byte == b'\n');
        lines.any(|line| line.starts_with(b"inotify ") || line.starts_with(b"fanotify "))
    }

    /// Whether it is a set of rules for landlock(7), which go with the files that they are for.
    pub(crate) fn has_rules(&self) -> bool {
        self.kind == FileType::Anonymous && self.name.contains("landlock")
    }
}

/// Everything that is open.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) files: Vec<OpenFile>,
    /// What this process has open beside our duplicates, by number.
    pub(crate) own_numbers: Vec<i32>,
}

impl Survey {
    /// Takes duplicates of all of it, and refuses kinds that cannot be put back.
    pub(crate) fn of(process: &Process) -> Step<Self> {
        let folder = open_table(process)?;
        let mut numbers = Vec::new();
        list(&folder, &mut numbers)?;
        let mut files = Vec::with_capacity(numbers.len());
        for number in numbers {
            files.push(look_at(process, number)?);
        }
        let own_numbers = tell_ours(&mut files)?;
        for file in &files {
            refuse_outside_state(process.pid, file)?;
        }
        Ok(Self { files, own_numbers })
    }

    /// The inodes of files that are open.
    pub(crate) fn inodes(&self) -> BTreeSet<u64> {
        self.files.iter().filter(|file| file.kind == FileType::File).map(|file| file.inode).collect()
    }

    /// The inodes of sockets, but for those that this process shares.
    pub(crate) fn sockets_of_its_own(&self) -> BTreeSet<u64> {
        let sockets = self.files.iter().filter(|file| file.kind == FileType::Socket && !file.is_ours);
        sockets.map(|file| file.inode).collect()
    }

    /// Files and folders, but for those that this process shares.
    pub(crate) fn own_files(&self) -> impl Iterator<Item = &OpenFile> {
        self.files.iter().filter(|file| file.kind == FileType::File && file.offset.is_some() && !file.is_ours)
    }

    /// Whether one is a socket that shares its port.
    pub(crate) fn shares_port(&self) -> bool {
        let mut sockets = self.files.iter().filter(|file| file.kind == FileType::Socket);
        sockets.any(|file| socket::shares_port(&file.duplicate))
    }

    /// Whether one is a file without a name.
    pub(crate) fn has_nameless_file(&self) -> bool {
        let mut files = self.files.iter().filter(|file| file.kind == FileType::File);
        files.any(|file| file_contents::is_nameless(&file.duplicate).unwrap_or(true))
    }

    /// Whether signals tell somebody of what happens to one.
    pub(crate) fn tells_by_signals(&self) -> bool {
        self.files.iter().any(|file| fcntl::settings(&file.duplicate).owner != 0)
    }

    /// Whether one is a terminal.
    pub(crate) fn has_terminal(&self) -> bool {
        self.files.iter().any(|file| fcntl::is_terminal(&file.duplicate))
    }
}

/// The descriptor table of a process, to be listed.
pub(super) fn open_table(process: &Process) -> Step<OwnedFd> {
    fcntl::open_folder(&format!("/proc/{}/fd", process.pid))
        .or_trouble(Reason::Inspection, "opening its descriptor table")
}

/// Duplicates of the sockets of a process that runs, and may close one meanwhile.
pub(crate) fn sockets(pid: Tid, pidfd: impl AsFd) -> std::io::Result<Vec<Duplicate>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd"))? {
        let entry = entry?;
        let is_socket = std::fs::read_link(entry.path())
            .is_ok_and(|target| target.to_string_lossy().starts_with("socket:"));
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let number = number.filter(|_| is_socket);
        found.extend(number.and_then(|number| Duplicate::of(pidfd.as_fd(), number).ok()));
    }
    Ok(found)
}

/// The numbers in a descriptor table, in ascending order.
pub(super) fn list(folder: &OwnedFd, numbers: &mut Vec<i32>) -> Step<()> {
    numbers.clear();
    fcntl::list_numbers(folder, numbers).or_trouble(Reason::Inspection, "listing its descriptors")?;
    numbers.sort_unstable();
    Ok(())
}

fn look_at(process: &Process, number: i32) -> Step<OpenFile> {
    let name = name_of(process, number)?;
    refuse_forbidden(&name, number, "it has")?;
    let duplicate = Duplicate::of(&*process.pidfd, number)
        .or_trouble(Reason::Inspection, "duplicating its descriptors")?;
    let look = "looking at its descriptors";
    Ok(OpenFile {
        number,
        kind: fcntl::kind(&duplicate).or_trouble(Reason::Inspection, look)?,
        flags: fcntl::status_flags(&duplicate).or_trouble(Reason::Inspection, look)?,
        offset: fcntl::offset(&duplicate),
        inode: fcntl::inode(&duplicate).or_trouble(Reason::Inspection, look)?,
        name,
        info: inspect::fdinfo(process.pid, number)?,
        is_ours: false,
        duplicate: Arc::new(duplicate),
    })
}

/// What `/proc` calls the open file of a descriptor.
fn name_of(process: &Process, number: i32) -> Step<String> {
    let link = std::fs::read_link(PathBuf::from(format!("/proc/{}/fd/{number}", process.pid)))
        .or_trouble(Reason::Inspection, "reading its descriptors")?;
    Ok(link.to_string_lossy().into_owned())
}

/// Refuses a descriptor through which memory is written unseen.
pub(super) fn refuse_kind(process: &Process, number: i32, who: &str) -> Step<()> {
    refuse_forbidden(&name_of(process, number)?, number, who)
}

fn refuse_forbidden(name: &str, number: i32, who: &str) -> Step<()> {
    let is_forbidden = name.starts_with("anon_inode:") && FORBIDDEN.iter().any(|kind| name.contains(kind));
    if is_forbidden || name == UNREADABLE {
        let message = format!("{who} descriptor {number} ({name}), through which memory is written unseen");
        return Err(Trouble::Refused(Reason::DescriptorKind, message));
    }
    Ok(())
}

/// Refuses files that are no store of bytes: a write to a setting under `/proc`, what waits in a terminal, or where a device is,
/// could not be put back.
fn refuse_outside_state(pid: Tid, file: &OpenFile) -> Step<()> {
    if file.is_ours || file.kind != FileType::File {
        return Ok(());
    }
    // What it writes to its own memory is followed as any other writing.
    let is_memory = file.name == format!("/proc/{pid}/mem");
    if file.is_writable() && !is_memory && fcntl::is_setting(&file.duplicate) {
        let name = &file.name;
        return refuse(
            file.number,
            &format!(
                "is open for writing on {name}, a setting of the kernel's: close it before the snapshot"
            ),
        );
    }
    if fcntl::is_terminal(&file.duplicate) || fcntl::is_terminal_master(&file.duplicate) {
        return refuse(
            file.number,
            &format!(
                "is a terminal ({}), what waits in which could not be put back: open it in the request",
                file.name
            ),
        );
    }
    let is_open = file.flags & NAME_ONLY == 0;
    if is_open && fcntl::character_device(&file.duplicate).is_some_and(|device| !FORGETFUL.contains(&device))
    {
        return refuse(
            file.number,
            &format!(
                "is a device ({}), what was read from which could not be put back: open it in the request",
                file.name
            ),
        );
    }
    Ok(())
}

/// Notes which of them this process has open, too; the numbers of all that it has open itself.
pub(super) fn tell_ours(files: &mut [OpenFile]) -> Step<Vec<i32>> {
    let duplicates = duplicate::lock();
    let own =
        OwnFiles::now(&duplicates).or_trouble(Reason::Inspection, "listing what the supervisor has open")?;
    for file in files {
        file.is_ours = own.contains(&file.duplicate);
    }
    Ok(own.numbers)
}

/// The files that this very process has open.
struct OwnFiles {
    pid: Tid,
    numbers: Vec<i32>,
}

impl OwnFiles {
    /// All but duplicates of what functions have, of this one or others: what two of them have is none of this process's.
    fn now(duplicates: &duplicate::Numbers) -> groundhog_sys::Result<Self> {
        let pid = Tid(i32::try_from(std::process::id()).unwrap_or(0));
        let mut numbers = Vec::new();
        fcntl::list_numbers(fcntl::open_folder("/proc/self/fd")?, &mut numbers)?;
        numbers.retain(|number| !duplicates.have(*number));
        Ok(Self { pid, numbers })
    }

    /// Whether one of them is the open file that `duplicate` stands for.
    fn contains(&self, duplicate: &OwnedFd) -> bool {
        self.numbers
            .iter()
            .any(|number| kcmp::same_open_file(self.pid, *number, duplicate.as_fd()) == Ok(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptors::connections::OwnEnds;
    use groundhog_sys::pidfd;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A socket as a function has it, whose other end another function has.
    fn duplicate_of_socket() -> (Duplicate, Duplicate) {
        let (socket, other) = UnixStream::pair().expect("a pair");
        let this = pidfd::open(Tid(std::process::id().cast_signed())).expect("this process");
        let of = |socket: &UnixStream| Duplicate::of(&this, socket.as_raw_fd()).expect("it is open");
        (of(&socket), of(&other))
    }

    fn table(duplicate: Duplicate) -> [OpenFile; 1] {
        [OpenFile {
            number: 5,
            duplicate: Arc::new(duplicate),
            kind: FileType::Socket,
            flags: 2,
            offset: None,
            inode: 0,
            name: String::new(),
            info: Vec::new(),
            is_ours: false,
        }]
    }

    /// Several snapshots are taken at a time, each of another process.
    #[test]
    fn what_is_copied_of_functions_is_not_ours() {
        const ROUNDS: usize = 2000;
        let (duplicate, other) = duplicate_of_socket();
        let more = duplicate.again().expect("it is open");
        let mut files = table(duplicate);
        let own = tell_ours(&mut files).expect("it can be listed");
        assert!(!files[0].is_ours && !own.contains(&more.as_raw_fd()) && !own.contains(&other.as_raw_fd()));
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    more.again().expect("it is open");
                }
            });
            let ours = (0..ROUNDS).filter(|_| {
                tell_ours(&mut files).expect("it can be listed");
                files[0].is_ours
            });
            let ours = ours.count();
            done.store(true, Ordering::Relaxed);
            assert_eq!(ours, 0);
        });
    }

    #[test]
    fn what_this_process_has_itself_is_ours() {
        let (duplicate, _other) = duplicate_of_socket();
        let own = duplicate.try_clone().expect("it is open");
        let mut files = table(duplicate);
        let numbers = tell_ours(&mut files).expect("it can be listed");
        assert!(numbers.contains(&own.as_raw_fd()) && files[0].is_ours);
        drop(own);
        tell_ours(&mut files).expect("it can be listed");
        assert!(!files[0].is_ours);
    }

    #[test]
    fn the_other_end_that_another_function_has_is_no_end_of_ours() {
        let (_duplicate, other) = duplicate_of_socket();
        let of_number = |number| OwnEnds::of(&[number], true, &BTreeSet::new()).expect("it is open");
        let inode = fcntl::inode(&*other).expect("it is open");
        assert!(!of_number(other.as_raw_fd()).has(inode));
        let own = other.try_clone().expect("it is open");
        assert!(of_number(own.as_raw_fd()).has(inode));
    }
}
