//! What waits in the open files of the snapshot: bytes, counts, expirations, events.
//!
//! What was empty at the snapshot is emptied, what was not is filled again, and what cannot be filled again retires the
//! process. What waits in a pipe is taken out and filled in again at the snapshot, too: in how many pieces it lies, which a
//! writer can tell by the room that is left, is always the same then.

mod told;

use super::connections::{Candidate, Moved, OwnEnds, Owner, Socket};
use super::survey::{OpenFile, Survey};
use super::{is_taken, refuse, times};
use crate::component::{Component, Restore, Stopped};
use crate::duplicate::Duplicate;
use crate::error::{OrTrouble, Reason, Step};
use crate::report::RestoreReport;
use crate::trace::process::Process;
use groundhog_proc::fdinfo;
use groundhog_sys::fcntl::{self, FileType, Ready};
use groundhog_sys::{Errno, queue, sock_diag};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};
use told::Told;

/// How much may wait in a pipe of the snapshot, to be put back.
const MAX_WAITING: usize = 1 << 20;
/// As long as the kernel notes one time for all that happens (`CONFIG_HZ` of 100).
const A_TICK: Duration = Duration::from_millis(10);
const ACCESS_MODE: u32 = 3;
const WRITE_ONLY: u32 = 1;
/// `O_DIRECT`: a pipe that keeps messages apart.
const PACKETS: u32 = 0o40_000;

/// What waits in an open file.
#[derive(Debug)]
enum Queue {
    /// Nothing, or what is seen elsewhere: signals of a signalfd, the targets of an epoll set.
    Nothing,
    /// The read end of a pipe; what waited in it, if something did.
    Pipe(Option<Refill>),
    /// The write end of a pipe that is read by others only.
    Written(Written),
    /// The count of an eventfd.
    Count(u64),
    /// The expirations of a timer that nobody has asked for.
    Expirations(u64),
    /// Events of an inotify.
    Events,
    /// What the kernel tells of a POSIX message queue.
    Messages(Vec<u8>),
    Socket(Box<Socket>),
    /// Something else, in which nothing waited.
    Unknown,
}

/// How to put back what waited in a pipe.
#[derive(Debug)]
struct Refill {
    contents: Vec<u8>,
    /// None when the process cannot write into it.
    writer: Option<Duplicate>,
}

/// What others have not read of a pipe yet.
#[derive(Debug)]
struct Written {
    bytes: u64,
    /// When it was read and written last, if the kernel notes when it is read.
    times: Option<((i64, i64), (i64, i64))>,
}

/// What waits in every open file of the snapshot.
#[derive(Debug)]
pub(crate) struct PendingData {
    entries: Vec<Entry>,
    /// Connections are left open, whatever went through them.
    keeps_connections: bool,
}

#[derive(Debug)]
struct Entry {
    number: i32,
    duplicate: Arc<Duplicate>,
    queue: Queue,
    told: Told,
}

impl PendingData {
    /// Looks into all of them. `process`: whose they are; `network`: who is asked about the sockets of its network, if that is not
    /// ours; `tells_peers`: whether the kernel answers.
    pub(crate) fn save(
        survey: &Survey,
        process: &Process,
        network: Option<&OwnedFd>,
        tells_peers: bool,
        ends: &OwnEnds,
        keeps_connections: bool,
    ) -> Step<Self> {
        let files = &survey.files;
        let ready = ready(files.iter().map(|file| &*file.duplicate))?;
        let mut entries = Vec::with_capacity(files.len());
        for (file, ready) in files.iter().zip(&ready) {
            process.in_time()?; // others may be waited for
            let queue = Queue::save(file, ready.readable, files)?;
            let (duplicate, told) = (Arc::clone(&file.duplicate), Told::of(file, *ready));
            entries.push(Entry { number: file.number, duplicate, queue, told });
        }
        let sockets = candidates(files, &ready);
        if sockets.is_empty() {
            return Ok(Self { entries, keeps_connections });
        }
        let same_network = network.is_none();
        let opened = if same_network { sock_diag::open().ok() } else { None };
        let owner =
            Owner { pid: process.pid, sock_diag: network.or(opened.as_ref()).filter(|_| tells_peers) };
        for candidate in &sockets {
            process.in_time()?;
            let socket = Socket::save(candidate, &sockets, ends, owner)?;
            // The first of its numbers stands for all.
            let first = candidate.numbers.first();
            if let Some(entry) = entries.iter_mut().find(|entry| first == Some(&entry.number)) {
                entry.queue = Queue::Socket(Box::new(socket));
            }
        }
        let ends: Vec<_> = entries.iter().filter_map(|entry| entry.queue.socket()?.other_end()).collect();
        for Entry { duplicate, queue, .. } in &mut entries {
            if let Queue::Socket(socket) = queue {
                socket.note_other_end(&ends);
                // Once all are told apart: ends of pairs are known by having no name.
                socket.name(duplicate)?;
            }
        }
        Ok(Self { entries, keeps_connections })
    }

    /// What waits in pipes, by itself: reading and writing them makes events, and changes their times.
    pub(crate) fn split_off_pipes(&mut self) -> Self {
        let of_pipe = |entry: &mut Entry| matches!(entry.queue, Queue::Pipe(_) | Queue::Written(_));
        let entries = self.entries.extract_if(.., of_pipe).collect();
        Self { entries, keeps_connections: self.keeps_connections }
    }

    /// Takes the events that have come since: at the snapshot there were none.
    pub(crate) fn drop_events(&self) -> Step<()> {
        for entry in self.entries.iter().filter(|entry| matches!(entry.queue, Queue::Events)) {
            fcntl::drain_events(&entry.duplicate)
                .or_trouble(Reason::DescriptorChanged, "emptying a descriptor")?;
        }
        Ok(())
    }

    /// The numbers of sockets on which calls must be seen, since nothing else tells that they were used.
    pub(crate) fn watched_sockets(&self) -> Vec<i32> {
        let watched = self.entries.iter().flat_map(|entry| entry.queue.watched(self.keeps_connections));
        watched.copied().collect()
    }

    /// A process that is connected with itself has both ends of what was shut.
    fn shut_other_ends(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        let sockets = self.entries.iter_mut().filter_map(|entry| match &mut entry.queue {
            Queue::Socket(socket) => Some((&*entry.duplicate, socket)),
            _ => None,
        });
        let mut sockets: Vec<_> = sockets.collect();
        let shut: Vec<_> = sockets.iter().filter_map(|(_, socket)| socket.shut_from()).collect();
        for (duplicate, socket) in &mut sockets {
            restore.stopped.process.in_time()?;
            socket.follow_other_end(duplicate, &shut, restore.report)?;
        }
        Ok(())
    }

    /// The first end of a pair that has sent what waits elsewhere; once the pairs are emptied.
    fn with_unread_elsewhere(&self, process: &Process) -> Step<Option<i32>> {
        for Entry { number, duplicate, queue, .. } in &self.entries {
            process.in_time()?;
            if let Queue::Socket(socket) = queue
                && !socket.has_all_taken(duplicate)?
            {
                return Ok(Some(*number));
            }
        }
        Ok(None)
    }

    fn ready(&self) -> Step<Vec<Ready>> {
        ready(self.entries.iter().map(|entry| &*entry.duplicate))
    }
}

impl Component for PendingData {
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        let observed = restore.observed;
        let moved = Moved {
            numbers: restore.sees_calls.then_some(&observed.called),
            shut: &observed.shut,
            corked: &observed.corked,
            options: &observed.socket_options,
            keep: self.keeps_connections,
        };
        let mut emptied = Vec::new();
        let ready = self.ready()?;
        let shut_before = restore.report.connections_shut;
        let mut shut = Vec::new();
        for (entry, ready) in self.entries.iter_mut().zip(ready) {
            restore.stopped.process.in_time()?; // others may be waited for
            let Entry { number, duplicate, queue, told } = entry;
            if let Some(what) = told.difference(ready) {
                return refuse(*number, what);
            }
            let so_far = restore.report.connections_shut;
            if let Some(socket) = queue.socket().filter(|_| so_far > shut_before) {
                socket.hear_of_end(duplicate, &shut)?;
            }
            if queue.revert(*number, duplicate, ready, moved, restore.report)? {
                emptied.push(*number);
            }
            if restore.report.connections_shut > so_far {
                shut.extend(queue.socket().and_then(Socket::shut_from));
            }
        }
        if restore.report.connections_shut > shut_before {
            self.shut_other_ends(restore)?;
        }
        if let Some(number) = self.with_unread_elsewhere(restore.stopped.process)? {
            return refuse(number, "has sent what its receiver has not read");
        }
        if !emptied.is_empty() {
            let still = |(entry, ready): &(&Entry, Ready)| ready.readable && emptied.contains(&entry.number);
            if let Some((entry, _)) = self.entries.iter().zip(self.ready()?).find(still) {
                return refuse(entry.number, "cannot be emptied");
            }
        }
        restore.lap("pending");
        Ok(())
    }

    fn difference(&mut self, stopped: &mut Stopped<'_>) -> Step<Option<String>> {
        for (entry, ready) in self.entries.iter().zip(self.ready()?) {
            stopped.process.in_time()?;
            let Entry { number, duplicate, queue, told } = entry;
            if let Some(what) = told.difference(ready) {
                return Ok(Some(format!("descriptor {number} {what}")));
            }
            if let Some(what) = queue.difference(*number, duplicate, ready, self.keeps_connections)? {
                return Ok(Some(format!("descriptor {number} {what}")));
            }
        }
        let unread = self.with_unread_elsewhere(stopped.process)?;
        Ok(unread.map(|number| format!("descriptor {number} has sent what its receiver has not read")))
    }
}

/// What each of them is ready for.
fn ready<'a>(duplicates: impl Iterator<Item = &'a Duplicate>) -> Step<Vec<Ready>> {
    fcntl::ready(duplicates.map(|duplicate| &**duplicate))
        .or_trouble(Reason::Inspection, "polling its descriptors")
}

/// The sockets, each once.
fn candidates<'a>(files: &'a [OpenFile], ready: &[Ready]) -> Vec<Candidate<'a>> {
    let mut found: Vec<Candidate<'a>> = Vec::new();
    for (file, ready) in files.iter().zip(ready).filter(|(file, _)| file.kind == FileType::Socket) {
        match found.iter_mut().find(|candidate| candidate.inode == file.inode) {
            Some(candidate) => candidate.numbers.push(file.number),
            None => found.push(Candidate {
                numbers: vec![file.number],
                duplicate: &file.duplicate,
                inode: file.inode,
                ready: *ready,
                ours: file.is_ours,
            }),
        }
    }
    found
}

impl Queue {
    fn socket(&self) -> Option<&Socket> {
        if let Self::Socket(socket) = self { Some(socket) } else { None }
    }

    /// Looks into everything but sockets, at the snapshot.
    fn save(file: &OpenFile, readable: bool, all: &[OpenFile]) -> Step<Self> {
        let is = |name: &str| file.name.starts_with(name);
        match file.kind {
            FileType::Pipe => save_pipe(file, readable, all),
            FileType::File
                if file.flags & ACCESS_MODE != WRITE_ONLY && fcntl::is_message_queue(&file.duplicate) =>
            {
                Ok(Self::Messages(messages(file.number, &file.duplicate)?))
            }
            FileType::Anonymous if is("anon_inode:[eventfd]") => {
                Ok(Self::Count(told(file.number, &file.duplicate, fdinfo::eventfd_count)?))
            }
            FileType::Anonymous if is("anon_inode:[timerfd]") => {
                Ok(Self::Expirations(told(file.number, &file.duplicate, fdinfo::timer_ticks)?))
            }
            FileType::Anonymous if is("anon_inode:inotify") && readable => {
                refuse(file.number, "holds events, which could not be put back")
            }
            FileType::Anonymous if is("anon_inode:inotify") => Ok(Self::Events),
            // Whether a signalfd or an epoll set can be read follows from signals and from what it watches.
            FileType::Anonymous
                if ["signalfd", "eventpoll", "pidfd"].iter().any(|kind| file.name.contains(kind)) =>
            {
                Ok(Self::Nothing)
            }
            // A set of rules, which as good as any file without a queue can be read.
            FileType::Anonymous if file.has_rules() => Ok(Self::Nothing),
            FileType::Anonymous if readable => {
                let what = format!("holds data ({}), which could not be compared or put back", file.name);
                refuse(file.number, &what)
            }
            FileType::Anonymous => Ok(Self::Unknown),
            FileType::File | FileType::Socket => Ok(Self::Nothing),
        }
    }

    /// Puts it back; says whether it is to have nothing to read now.
    fn revert(
        &mut self,
        number: i32,
        duplicate: &OwnedFd,
        ready: Ready,
        moved: Moved<'_>,
        report: &mut RestoreReport,
    ) -> Step<bool> {
        let readable = ready.readable;
        match self {
            Self::Socket(socket) => socket.revert(duplicate, ready, moved, report),
            Self::Written(before) if before.is_read(number, duplicate)? => Ok(false),
            Self::Written(before) if waiting(number, duplicate)? == before.bytes => {
                refuse(number, "is a pipe of which the kernel does not note that it was read")
            }
            Self::Written(_) => refuse(number, "is a pipe that holds what others have not read yet"),
            Self::Pipe(Some(refill)) => refill.revert(number, duplicate, report).map(|()| false),
            Self::Messages(before) => {
                let now = messages(number, duplicate)?;
                if now == *before {
                    Ok(false)
                } else {
                    refuse(number, "holds other messages than at the snapshot")
                }
            }
            Self::Count(0) | Self::Expirations(0) | Self::Events | Self::Pipe(None) | Self::Unknown
                if !readable =>
            {
                Ok(false)
            }
            Self::Pipe(None) | Self::Events => {
                let drain = if matches!(self, Self::Events) {
                    fcntl::drain_events
                } else {
                    |fd: &OwnedFd| fcntl::drain_pipe(fd)
                };
                report.bytes_drained +=
                    drain(duplicate).or_trouble(Reason::DescriptorChanged, "emptying a descriptor")?;
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
            Self::Unknown => refuse(number, "holds other data than at the snapshot"),
        }
    }

    /// The first difference, in words.
    fn difference(&self, number: i32, duplicate: &OwnedFd, ready: Ready, keep: bool) -> Step<Option<String>> {
        let readable = ready.readable;
        let differs = match self {
            Self::Nothing => false,
            Self::Pipe(None) | Self::Events | Self::Unknown => readable,
            Self::Pipe(Some(refill)) => {
                queue::pipe_contents(duplicate, refill.contents.len()).as_ref() != Ok(&refill.contents)
            }
            Self::Count(wanted) => told(number, duplicate, fdinfo::eventfd_count)? != *wanted,
            // One that repeats may have gone off again by now.
            Self::Expirations(wanted) => {
                *wanted > 0 && told(number, duplicate, fdinfo::timer_ticks)? != *wanted
            }
            Self::Messages(before) => messages(number, duplicate)? != *before,
            Self::Socket(socket) => return socket.difference(duplicate, ready, keep),
            Self::Written(before) => !before.is_read(number, duplicate)?,
        };
        Ok(differs.then(|| "holds other data than at the snapshot".to_owned()))
    }

    /// The numbers on which calls must be seen.
    fn watched(&self, keep: bool) -> &[i32] {
        if let Self::Socket(socket) = self { socket.watched(keep) } else { &[] }
    }
}

impl Refill {
    /// The same bytes may lie in other pieces by now, so that they are filled in again whatever they are.
    fn revert(&self, number: i32, duplicate: &OwnedFd, report: &mut RestoreReport) -> Step<()> {
        let Some(writer) = &self.writer else {
            if queue::pipe_contents(duplicate, self.contents.len()).as_ref() == Ok(&self.contents) {
                return Ok(());
            }
            return refuse(number, "holds other data than at the snapshot");
        };
        report.bytes_drained +=
            fcntl::drain_pipe(duplicate).or_trouble(Reason::DescriptorChanged, "emptying a pipe")?;
        queue::fill_pipe(writer, &self.contents).or_trouble(Reason::DescriptorChanged, "filling a pipe again")
    }
}

fn save_pipe(file: &OpenFile, readable: bool, all: &[OpenFile]) -> Step<Queue> {
    let same = |other: &&OpenFile| other.kind == FileType::Pipe && other.inode == file.inode;
    let mut ends = all.iter().filter(same);
    if file.flags & ACCESS_MODE == WRITE_ONLY {
        if file.is_ours || ends.any(|end| end.flags & ACCESS_MODE != WRITE_ONLY) {
            return Ok(Queue::Nothing); // what waits is ours to read, or waits at its other end
        }
        return Written::save(file).map(Queue::Written);
    }
    if !readable {
        return Ok(Queue::Pipe(None));
    }
    if ends.clone().any(|end| end.flags & PACKETS != 0) {
        return refuse(file.number, "is a pipe that holds messages, which could not be put back");
    }
    let contents = match queue::pipe_contents(&file.duplicate, MAX_WAITING) {
        Err(Errno(27)) => return refuse(file.number, "holds too much to be put back"), // EFBIG
        contents => contents.or_trouble(Reason::Inspection, "looking into a pipe")?,
    };
    if contents.is_empty() {
        return Ok(Queue::Pipe(None)); // its end can be read
    }
    let writer = ends.find(|end| end.flags & ACCESS_MODE != 0);
    let writer = writer.map(|end| end.duplicate.again()).transpose();
    let writer = writer.or_trouble(Reason::Inspection, "duplicating its descriptors")?;
    let refill = Refill { contents, writer };
    refill.revert(file.number, &file.duplicate, &mut RestoreReport::new(crate::strategy::Strategy::Copy))?;
    Ok(Queue::Pipe(Some(refill)))
}

impl Written {
    /// Others are given the time to read it: then it is the same before every request.
    fn save(file: &OpenFile) -> Step<Self> {
        let (number, duplicate) = (file.number, &file.duplicate);
        let mut before = Self { bytes: 0, times: None };
        before.is_read(number, duplicate)?;
        before.bytes = waiting(number, duplicate)?;
        if times::are_noted(file) && !fcntl::is_read_unnoted(duplicate) {
            let now = times::attributes(duplicate)?;
            // Its reader is one whose readings are not noted, such as by splice(2).
            let is_unnoted = before.bytes == 0 && moment(now.accessed) + A_TICK < moment(now.modified);
            before.times = Some(now).filter(|_| !is_unnoted).map(|now| (now.accessed, now.modified));
        }
        Ok(before)
    }

    /// Whether others have read it, to its end or as far as they had at the snapshot. A reader takes what waits first, then
    /// the kernel notes when.
    fn is_read(&self, number: i32, duplicate: &OwnedFd) -> Step<bool> {
        let begun = Instant::now();
        is_taken(|| {
            let now = waiting(number, duplicate)?;
            if now != 0 && now != self.bytes {
                return Ok(false);
            }
            let Some((accessed, modified)) = self.times else { return Ok(true) };
            let now = times::attributes(duplicate)?;
            // When it was written the kernel notes after it has woken the reader, who may be faster.
            let is_noted =
                now.accessed >= now.modified || (now.accessed != accessed && begun.elapsed() > A_TICK);
            Ok(now.modified == modified || is_noted)
        })
    }
}

fn moment((seconds, nanoseconds): (i64, i64)) -> Duration {
    Duration::new(seconds.unsigned_abs(), nanoseconds.unsigned_abs() as u32)
}

fn waiting(number: i32, duplicate: &OwnedFd) -> Step<u64> {
    fcntl::waiting_bytes(duplicate).map_or_else(|| refuse(number, "does not tell what waits in it"), Ok)
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
