//! What waits in the open files of the snapshot: bytes, counts, expirations, events.
//!
//! What was empty at the snapshot is emptied, what was not is compared and filled again, and what cannot be filled again
//! retires the process.

use crate::descriptors::connections::{Candidate, Moved, OwnEnds, Owner, Socket};
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::report::RestoreReport;
use crate::trace::process::Process;
use groundhog_proc::fdinfo;
use groundhog_sys::fcntl::{self, Kind};
use groundhog_sys::{Errno, queue, sock_diag};
use std::os::fd::{AsRawFd, OwnedFd};

/// How much may wait in a pipe of the snapshot, to be put back.
const MOST_WAITING: usize = 1 << 20;
const ACCESS_MODE: u32 = 3;
const WRITE_ONLY: u32 = 1;
/// `O_DIRECT`: a pipe that keeps messages apart.
const PACKETS: u32 = 0o40_000;

/// What waits in an open file.
#[derive(Debug)]
pub(crate) enum Queue {
    /// Nothing, or what is seen elsewhere: signals of a signalfd, the targets of an epoll set.
    Nothing,
    /// The read end of a pipe; what waited in it, if something did.
    Pipe(Option<Refill>),
    /// The count of an eventfd.
    Count(u64),
    /// The expirations of a timer that nobody has asked for.
    Expirations(u64),
    /// Events of an inotify.
    Events,
    /// What the kernel tells of a POSIX message queue.
    Messages(Vec<u8>),
    Socket(Socket),
    /// Something else: whether it could be read.
    Unknown(bool),
}

/// How to put back what waited in a pipe.
#[derive(Debug)]
pub(crate) struct Refill {
    contents: Vec<u8>,
    /// None when the process cannot write into it.
    writer: Option<OwnedFd>,
}

/// An open file at the snapshot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File<'a> {
    pub(crate) number: i32,
    pub(crate) duplicate: &'a OwnedFd,
    pub(crate) kind: Kind,
    /// What `/proc` calls it.
    pub(crate) name: &'a str,
    pub(crate) flags: u32,
    /// Of all files of its kind.
    pub(crate) inode: u64,
    pub(crate) readable: bool,
    /// A socket that this process has open, too.
    pub(crate) shared: bool,
}

/// Looks into all open files. `ours`: the numbers that this process has open.
pub(crate) fn save(files: &[File<'_>], ours: &[i32], process: &Process) -> Step<Vec<Queue>> {
    let mut queues = files.iter().map(|file| Queue::save(*file, files)).collect::<Step<Vec<_>>>()?;
    let sockets = candidates(files);
    if sockets.is_empty() {
        return Ok(queues);
    }
    let same_network = process.sock_diag.is_none();
    let ends = OwnEnds::of(ours, same_network);
    let opened = if same_network { sock_diag::open().ok() } else { None };
    let owner = Owner { pid: process.pid, sock_diag: process.sock_diag.as_ref().or(opened.as_ref()) };
    for candidate in &sockets {
        let socket = Socket::save(candidate, &sockets, &ends, owner)?;
        // The first of its numbers stands for all.
        let at = files.iter().position(|file| candidate.numbers.first() == Some(&file.number));
        if let Some(queue) = at.and_then(|at| queues.get_mut(at)) {
            *queue = Queue::Socket(socket);
        }
    }
    Ok(queues)
}

/// The sockets, each once.
fn candidates<'a>(files: &[File<'a>]) -> Vec<Candidate<'a>> {
    let mut found: Vec<Candidate<'a>> = Vec::new();
    for file in files.iter().filter(|file| file.kind == Kind::Socket) {
        match found.iter_mut().find(|candidate| candidate.inode == file.inode) {
            Some(candidate) => candidate.numbers.push(file.number),
            None => found.push(Candidate {
                numbers: vec![file.number],
                duplicate: file.duplicate,
                inode: file.inode,
                readable: file.readable,
                ours: file.shared,
            }),
        }
    }
    found
}

fn refuse<T>(number: i32, what: &str) -> Step<T> {
    Err(Trouble::Refused(Reason::DescriptorChanged, format!("descriptor {number} {what}")))
}

impl Queue {
    /// Looks into everything but sockets, at the snapshot.
    fn save(file: File<'_>, all: &[File<'_>]) -> Step<Self> {
        let is = |name: &str| file.name.starts_with(name);
        match file.kind {
            Kind::Pipe => save_pipe(file, all),
            Kind::File
                if file.flags & ACCESS_MODE != WRITE_ONLY && fcntl::is_message_queue(file.duplicate) =>
            {
                Ok(Self::Messages(messages(file.number, file.duplicate)?))
            }
            Kind::Anonymous if is("anon_inode:[eventfd]") => {
                Ok(Self::Count(told(file.number, file.duplicate, fdinfo::eventfd_count)?))
            }
            Kind::Anonymous if is("anon_inode:[timerfd]") => {
                Ok(Self::Expirations(told(file.number, file.duplicate, fdinfo::timer_ticks)?))
            }
            Kind::Anonymous if is("anon_inode:inotify") && file.readable => {
                refuse(file.number, "holds events, which could not be put back")
            }
            Kind::Anonymous if is("anon_inode:inotify") => Ok(Self::Events),
            // Whether a signalfd or an epoll set can be read follows from signals and from what it watches.
            Kind::Anonymous
                if ["signalfd", "eventpoll", "pidfd"].iter().any(|kind| file.name.contains(kind)) =>
            {
                Ok(Self::Nothing)
            }
            Kind::Anonymous => Ok(Self::Unknown(file.readable)),
            Kind::File | Kind::Socket => Ok(Self::Nothing),
        }
    }

    /// Puts it back; says whether it is to have nothing to read now.
    pub(crate) fn revert(
        &mut self,
        number: i32,
        duplicate: &OwnedFd,
        readable: bool,
        moved: Moved<'_>,
        report: &mut RestoreReport,
    ) -> Step<bool> {
        match self {
            Self::Socket(socket) => socket.revert(duplicate, readable, moved, report),
            Self::Pipe(Some(refill)) => refill.revert(number, duplicate, report).map(|()| false),
            Self::Messages(before) => {
                let now = messages(number, duplicate)?;
                if now == *before {
                    Ok(false)
                } else {
                    refuse(number, "holds other messages than at the snapshot")
                }
            }
            Self::Count(0) | Self::Expirations(0) | Self::Events | Self::Pipe(None) if !readable => Ok(false),
            Self::Pipe(None) | Self::Events => {
                report.bytes_drained +=
                    fcntl::drain(duplicate).or_trouble(Reason::DescriptorChanged, "emptying a descriptor")?;
                Ok(true)
            }
            Self::Count(wanted) => {
                let now = told(number, duplicate, fdinfo::eventfd_count)?;
                queue::set_eventfd(duplicate, now, *wanted)
                    .or_trouble(Reason::DescriptorChanged, "setting an eventfd back")?;
                Ok(*wanted == 0)
            }
            Self::Expirations(0) => {
                // A timer that repeats may have gone off again by now.
                queue::clear_ticks(duplicate).or_trouble(Reason::DescriptorChanged, "emptying a timer")?;
                Ok(false)
            }
            Self::Expirations(wanted) => {
                if told(number, duplicate, fdinfo::timer_ticks)? != *wanted {
                    queue::set_ticks(duplicate, *wanted)
                        .or_trouble(Reason::DescriptorChanged, "setting a timer's expirations back")?;
                }
                Ok(false)
            }
            Self::Nothing => Ok(false),
            Self::Unknown(before) if readable == *before => Ok(false),
            Self::Unknown(_) => refuse(number, "holds other data than at the snapshot"),
        }
    }

    /// The numbers on which calls must be seen.
    pub(crate) fn watched(&self) -> &[i32] {
        if let Self::Socket(socket) = self { socket.watched() } else { &[] }
    }
}

impl Refill {
    fn revert(&self, number: i32, duplicate: &OwnedFd, report: &mut RestoreReport) -> Step<()> {
        let found = queue::pipe_contents(duplicate, self.contents.len());
        if found.as_ref() == Ok(&self.contents) {
            return Ok(());
        }
        let Some(writer) = &self.writer else {
            return refuse(number, "holds other data than at the snapshot");
        };
        report.bytes_drained +=
            fcntl::drain(duplicate).or_trouble(Reason::DescriptorChanged, "emptying a pipe")?;
        queue::write_all(writer, &self.contents).or_trouble(Reason::DescriptorChanged, "filling a pipe again")
    }
}

fn save_pipe(file: File<'_>, all: &[File<'_>]) -> Step<Queue> {
    if file.flags & ACCESS_MODE == WRITE_ONLY {
        return Ok(Queue::Nothing); // what waits is for others to read, or waits at its other end
    }
    if !file.readable {
        return Ok(Queue::Pipe(None));
    }
    let same = |other: &&File<'_>| other.kind == Kind::Pipe && other.inode == file.inode;
    let mut ends = all.iter().filter(same);
    if ends.clone().any(|end| end.flags & PACKETS != 0) {
        return refuse(file.number, "is a pipe that holds messages, which could not be put back");
    }
    let contents = match queue::pipe_contents(file.duplicate, MOST_WAITING) {
        Err(Errno(27)) => return refuse(file.number, "holds too much to be put back"), // EFBIG
        contents => contents.or_trouble(Reason::Inspection, "looking into a pipe")?,
    };
    let writer = ends.find(|end| end.flags & ACCESS_MODE != 0);
    let writer = writer.map(|end| fcntl::duplicate(end.duplicate)).transpose();
    let writer = writer.or_trouble(Reason::Inspection, "duplicating its descriptors")?;
    Ok(Queue::Pipe(Some(Refill { contents, writer })))
}

/// What `fdinfo` tells of our duplicate.
fn told(number: i32, duplicate: &OwnedFd, of: impl Fn(&[u8]) -> Option<u64>) -> Step<u64> {
    let text = std::fs::read(format!("/proc/self/fdinfo/{}", duplicate.as_raw_fd()))
        .or_trouble(Reason::Inspection, "reading its descriptors")?;
    match of(&text) {
        Some(value) => Ok(value),
        None => refuse(number, "does not tell what waits in it"),
    }
}

/// How many bytes a POSIX message queue holds, and who is told of more.
fn messages(number: i32, duplicate: &OwnedFd) -> Step<Vec<u8>> {
    match fcntl::beginning(duplicate, 128) {
        Ok(text) => Ok(text),
        Err(_) => refuse(number, "does not tell what waits in it"),
    }
}
