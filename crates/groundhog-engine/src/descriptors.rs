//! Open files: the same ones at the same numbers, with the same flags and offsets, after every request.
//!
//! At the snapshot we take a duplicate of every descriptor. A duplicate shares the open file, so it tells whether a
//! number still names it (`kcmp`), and the offset and flags can be read and set from here.

pub(crate) mod connections;
pub(crate) mod epoll;
pub(crate) mod pending_data;
mod settings;

use crate::arch::call;
use crate::descriptors::connections::Moved;
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::report::RestoreReport;
use crate::trace::fd_passing;
use crate::trace::inspect;
use crate::trace::process::Process;
use crate::trace::remote_syscall::{Anchor, Remote};
use groundhog_proc::fdinfo::Target;
use groundhog_sys::fcntl::{Kind, Settings};
use groundhog_sys::{Errno, Tid, fcntl, kcmp, pidfd};
use pending_data::{File, Queue};
use std::collections::BTreeSet;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

/// Kinds of files through which the kernel works on memory on its own; none may be open at a snapshot or be opened.
const FORBIDDEN: [&str; 4] = ["[io_uring]", "[userfaultfd]", "[perf_event]", "bpf"];

#[derive(Debug)]
struct Descriptor {
    number: i32,
    duplicate: Arc<OwnedFd>,
    flags: u32,
    /// None for what has none, such as pipes.
    offset: Option<u64>,
    close_on_exec: bool,
    kind: Kind,
    settings: Settings,
    /// What `/proc` tells of locks on it.
    locks: Vec<u8>,
    /// What it is set to, if it is a timer.
    timer: Option<settings::Timer>,
    /// What it watches, if it is an epoll set.
    targets: Vec<Target>,
    /// What waits in it.
    queue: Queue,
}

/// What a request may have done to descriptors of the snapshot.
#[derive(Clone, Copy)]
pub(crate) struct Touch {
    /// Closed, replaced, flagged, duplicated some.
    pub(crate) numbers: bool,
    /// Set flags of open files.
    pub(crate) flags: bool,
}

/// The descriptor table of the snapshot.
#[derive(Debug)]
pub(crate) struct Descriptors {
    table: Vec<Descriptor>,
    folder: OwnedFd,
    /// Listing buffer, kept between restores.
    numbers: Vec<i32>,
}

impl Descriptors {
    /// Takes duplicates of everything a stopped process has open.
    pub(crate) fn save(process: &Process) -> Step<Self> {
        let path = format!("/proc/{}/fd", process.pid);
        let folder =
            fcntl::open_folder(&path).or_trouble(Reason::Inspection, "opening its descriptor table")?;
        let mut numbers = Vec::new();
        list(&folder, &mut numbers)?;
        let mut table = Vec::with_capacity(numbers.len());
        for number in &numbers {
            refuse_kind(process, *number, "it has")?;
            let duplicate = pidfd::duplicate_fd(&*process.pidfd, *number)
                .or_trouble(Reason::Inspection, "duplicating its descriptors")?;
            let duplicate = Arc::new(duplicate);
            let flags =
                fcntl::status_flags(&duplicate).or_trouble(Reason::Inspection, "reading file flags")?;
            let offset = fcntl::offset(&duplicate);
            let kind =
                fcntl::kind(&duplicate).or_trouble(Reason::Inspection, "looking at its descriptors")?;
            let text = inspect::fdinfo(process.pid, *number)?;
            table.push(Descriptor {
                number: *number,
                flags,
                offset,
                close_on_exec: close_on_exec(&text)?,
                kind,
                settings: fcntl::settings(&duplicate),
                locks: settings::locks(&text),
                timer: settings::timer(&text, &duplicate)?,
                targets: epoll::targets(&text)?,
                queue: Queue::Nothing,
                duplicate,
            });
        }
        // An offset that this process shares, such as that of an inherited log, is not the function's alone.
        let ours = OwnFiles::now(&table);
        look_into(process, &mut table, &ours)?;
        for descriptor in &mut table {
            if descriptor.offset.is_some() && ours.contains(&descriptor.duplicate) {
                descriptor.offset = None;
            }
        }
        Ok(Self { table, folder, numbers })
    }

    /// The inodes of files that are open.
    pub(crate) fn inodes(&self) -> BTreeSet<u64> {
        let files = self.table.iter().filter(|descriptor| descriptor.kind == Kind::File);
        files.filter_map(|descriptor| fcntl::inode(&descriptor.duplicate).ok()).collect()
    }

    /// Those of [`Self::open_files`] that are open for writing.
    pub(crate) fn writable(&self) -> impl Iterator<Item = (i32, &OwnedFd)> {
        const ACCESS: u32 = 3;
        self.files().filter(|file| file.flags & ACCESS != 0).map(|file| (file.number, &*file.duplicate))
    }

    /// The open files of the snapshot, by their numbers.
    pub(crate) fn originals(&self) -> Vec<(i32, Arc<OwnedFd>)> {
        self.table.iter().map(|descriptor| (descriptor.number, Arc::clone(&descriptor.duplicate))).collect()
    }

    /// Files and folders that were open at the snapshot, in the order of their numbers, but for those that this process
    /// shares.
    pub(crate) fn open_files(&self) -> impl Iterator<Item = (i32, &OwnedFd)> {
        self.files().map(|file| (file.number, &*file.duplicate))
    }

    fn files(&self) -> impl Iterator<Item = &Descriptor> {
        self.table.iter().filter(|descriptor| descriptor.kind == Kind::File && descriptor.offset.is_some())
    }

    /// The numbers of the snapshot's descriptors.
    pub(crate) fn numbers(&self) -> Vec<i32> {
        self.table.iter().map(|descriptor| descriptor.number).collect()
    }

    /// Closes new descriptors, sets flags and offsets back, and refuses closed or replaced ones that are not to be had
    /// any more. `touched`: the numbers of the snapshot were closed, replaced or flagged, if only for a while.
    pub(crate) fn revert(
        &mut self,
        process: &mut Process,
        anchor: Anchor,
        touched: Touch,
        moved: Moved<'_>,
        report: &mut RestoreReport,
    ) -> Step<()> {
        list(&self.folder, &mut self.numbers)?;
        if touched.numbers {
            report.fds_put_back += self.put_back(process, anchor)?;
            list(&self.folder, &mut self.numbers)?;
        }
        let known = |number: &i32| self.table.binary_search_by_key(number, |d| d.number).is_ok();
        let added: Vec<i32> = self.numbers.iter().copied().filter(|number| !known(number)).collect();
        for number in &added {
            refuse_kind(process, *number, "the request opened")?;
        }
        if self.numbers.len() - added.len() != self.table.len() {
            let closed = self.table.iter().find(|d| self.numbers.binary_search(&d.number).is_err());
            let number = closed.map_or(-1, |d| d.number);
            return Err(Trouble::Refused(
                Reason::DescriptorChanged,
                format!("descriptor {number} was closed"),
            ));
        }
        for descriptor in &self.table {
            if touched.numbers || touched.flags {
                descriptor.check_and_revert(process)?;
            }
            descriptor.revert_offset()?;
        }
        self.revert_waiting(moved, report)?;
        if !added.is_empty() {
            let mut remote = Remote::enter(process, anchor)?;
            for number in added {
                // What close() answers for the file's sake does not keep the number open.
                let _file_trouble = remote.call(call::CLOSE, [number as u64, 0, 0, 0, 0, 0])?;
                report.fds_closed += 1;
            }
        }
        for descriptor in self.table.iter().filter(|descriptor| epoll::disarms(&descriptor.targets)) {
            epoll::revert(process, anchor, descriptor.number, &descriptor.targets)?;
        }
        Ok(())
    }

    /// Puts descriptors back, and sets their close-on-exec flags; says how many were put back.
    ///
    /// Some the process still has under another number (a shell does so while it redirects); the others it gets from us.
    fn put_back(&self, process: &mut Process, anchor: Anchor) -> Step<u64> {
        const F_SETFD: u64 = 2;
        const O_CLOEXEC: u64 = 0o2_000_000;
        let (mut moved, mut missing) = (Vec::new(), Vec::new());
        let is = |process: &Process, number: i32, descriptor: &Descriptor| {
            kcmp::same_open_file(process.pid, number, descriptor.duplicate.as_fd()) == Ok(true)
        };
        for descriptor in self.table.iter().filter(|d| !is(process, d.number, d)) {
            match self.numbers.iter().find(|number| is(process, **number, descriptor)) {
                Some(elsewhere) => moved.push((*elsewhere, descriptor.number)),
                None => missing.push(descriptor),
            }
        }
        let above = self.table.last().map_or(0, |last| last.number as u64 + 1);
        // All sources first go where no target is, so that none is overwritten before it is used.
        let mut remote = Remote::enter(process, anchor)?;
        for (from, _) in &mut moved {
            const F_DUPFD_CLOEXEC: u64 = 1030;
            let arguments = [*from as u64, F_DUPFD_CLOEXEC, above, 0, 0, 0];
            *from = remote.must("fcntl", call::FCNTL, arguments)? as i32;
        }
        if !missing.is_empty() {
            let fds: Vec<_> = missing.iter().map(|descriptor| descriptor.duplicate.as_fd()).collect();
            let passed = fd_passing::pass(&mut remote, &fds, above)?;
            moved.extend(passed.into_iter().zip(missing.iter().map(|descriptor| descriptor.number)));
        }
        for (from, to) in &moved {
            remote.must("dup3", call::DUP3, [*from as u64, *to as u64, O_CLOEXEC, 0, 0, 0])?;
            remote.must("close", call::CLOSE, [*from as u64, 0, 0, 0, 0, 0])?;
        }
        for descriptor in &self.table {
            let wanted = descriptor.close_on_exec;
            if close_on_exec(&inspect::fdinfo(remote.process().pid, descriptor.number)?)? != wanted {
                let arguments = [descriptor.number as u64, F_SETFD, u64::from(wanted), 0, 0, 0];
                remote.must("fcntl", call::FCNTL, arguments)?;
            }
        }
        Ok(moved.len() as u64)
    }

    /// Bytes and events that a request left in pipes, sockets and counters of the snapshot.
    fn revert_waiting(&mut self, moved: Moved<'_>, report: &mut RestoreReport) -> Step<()> {
        let mut emptied = Vec::new();
        let readable = poll(&self.table)?;
        for (descriptor, readable) in self.table.iter_mut().zip(readable) {
            let Descriptor { number, duplicate, queue, .. } = descriptor;
            if queue.revert(*number, duplicate, readable, moved, report)? {
                emptied.push(*number);
            }
        }
        if emptied.is_empty() {
            return Ok(());
        }
        let readable = poll(&self.table)?;
        let still =
            |(descriptor, readable): &(&Descriptor, bool)| *readable && emptied.contains(&descriptor.number);
        match self.table.iter().zip(readable).find(still) {
            Some((descriptor, _)) => descriptor.refuse("cannot be emptied"),
            None => Ok(()),
        }
    }

    /// The numbers of sockets on which calls must be seen, since nothing else tells that they were used.
    pub(crate) fn watched_sockets(&self) -> Vec<i32> {
        self.table.iter().flat_map(|descriptor| descriptor.queue.watched()).copied().collect()
    }

    /// Puts the epoll sets among `numbers` back.
    pub(crate) fn revert_epoll(&self, process: &mut Process, anchor: Anchor, numbers: &[i32]) -> Step<()> {
        for descriptor in self.table.iter().filter(|descriptor| numbers.contains(&descriptor.number)) {
            epoll::revert(process, anchor, descriptor.number, &descriptor.targets)?;
        }
        Ok(())
    }

    /// Refuses those among `numbers` whose open file has other settings than at the snapshot: they were duplicated, so that
    /// these could be set unseen. Those of a socket cannot all be compared.
    pub(crate) fn check_settings(&self, numbers: &[i32]) -> Step<()> {
        for descriptor in self.table.iter().filter(|descriptor| numbers.contains(&descriptor.number)) {
            if descriptor.kind == Kind::Socket {
                return descriptor.refuse("is a socket and was duplicated");
            }
            if fcntl::settings(&descriptor.duplicate) != descriptor.settings {
                return descriptor.refuse("has other settings than at the snapshot");
            }
        }
        Ok(())
    }

    /// The first difference.
    pub(crate) fn difference(&mut self, process: &Process) -> Step<Option<String>> {
        list(&self.folder, &mut self.numbers)?;
        for number in &self.numbers {
            if self.table.binary_search_by_key(number, |d| d.number).is_err() {
                return Ok(Some(format!("descriptor {number} is open, and was not at the snapshot")));
            }
        }
        for Descriptor { number, duplicate, flags, offset, close_on_exec, settings, .. } in &self.table {
            if !matches!(kcmp::same_open_file(process.pid, *number, duplicate.as_fd()), Ok(true)) {
                return Ok(Some(format!("descriptor {number} was closed or replaced")));
            }
            if self::close_on_exec(&inspect::fdinfo(process.pid, *number)?)? != *close_on_exec {
                return Ok(Some(format!("descriptor {number}: close-on-exec expected {close_on_exec}")));
            }
            let now = fcntl::status_flags(duplicate).or_trouble(Reason::Inspection, "reading file flags")?;
            if now != *flags {
                return Ok(Some(format!("descriptor {number}: flags expected {flags:#o}, found {now:#o}")));
            }
            if fcntl::settings(duplicate) != *settings {
                return Ok(Some(format!("descriptor {number}: settings expected {settings:?}")));
            }
            let now = offset.and_then(|_| fcntl::offset(duplicate));
            if now != *offset {
                return Ok(Some(format!("descriptor {number}: offset expected {offset:?}, found {now:?}")));
            }
        }
        Ok(None)
    }
}

impl Descriptor {
    fn refuse<T>(&self, what: &str) -> Step<T> {
        let message = format!("descriptor {} {what}", self.number);
        Err(Trouble::Refused(Reason::DescriptorChanged, message))
    }

    fn check_and_revert(&self, process: &Process) -> Step<()> {
        match kcmp::same_open_file(process.pid, self.number, self.duplicate.as_fd()) {
            Ok(true) => {}
            Ok(false) | Err(Errno(9)) => {
                let message = format!("descriptor {} was replaced", self.number);
                return Err(Trouble::Refused(Reason::DescriptorChanged, message));
            }
            Err(errno) => {
                return Err(Trouble::system(Reason::Inspection, "comparing its descriptors", errno));
            }
        }
        let flags =
            fcntl::status_flags(&self.duplicate).or_trouble(Reason::Inspection, "reading file flags")?;
        if flags != self.flags {
            fcntl::set_status_flags(&self.duplicate, self.flags)
                .or_trouble(Reason::DescriptorChanged, "setting file flags back")?;
        }
        Ok(())
    }

    /// Reads and writes move it, which no one tells of.
    fn revert_offset(&self) -> Step<()> {
        if let Some(offset) = self.offset
            && fcntl::offset(&self.duplicate) != Some(offset)
        {
            fcntl::set_offset(&self.duplicate, offset)
                .or_trouble(Reason::DescriptorChanged, "setting a file offset back")?;
        }
        Ok(())
    }
}

/// The files that this very process has open.
struct OwnFiles {
    pid: Tid,
    numbers: Vec<i32>,
}

impl OwnFiles {
    /// All but the duplicates of a finished table.
    ///
    /// Finished, because other threads open and close files at any time: a number that one of them has given up could
    /// be that of the next duplicate, which would then count as a file of this process's own.
    fn now(table: &[Descriptor]) -> Self {
        let pid = Tid(i32::try_from(std::process::id()).unwrap_or(0));
        let mut numbers = Vec::new();
        let listed =
            fcntl::open_folder("/proc/self/fd").and_then(|folder| fcntl::list_numbers(&folder, &mut numbers));
        if listed.is_err() {
            numbers.clear();
        }
        numbers.retain(|number| table.iter().all(|descriptor| descriptor.duplicate.as_raw_fd() != *number));
        Self { pid, numbers }
    }

    /// Whether one of them is the open file that `duplicate` stands for.
    fn contains(&self, duplicate: &OwnedFd) -> bool {
        self.numbers
            .iter()
            .any(|number| kcmp::same_open_file(self.pid, *number, duplicate.as_fd()) == Ok(true))
    }
}

/// Which of them could be read.
fn poll(table: &[Descriptor]) -> Step<Vec<bool>> {
    fcntl::readable(table.iter().map(|descriptor| &*descriptor.duplicate))
        .or_trouble(Reason::Inspection, "polling its descriptors")
}

/// Looks into all of them.
fn look_into(process: &Process, table: &mut [Descriptor], ours: &OwnFiles) -> Step<()> {
    let names =
        table.iter().map(|descriptor| name_of(process, descriptor.number)).collect::<Step<Vec<_>>>()?;
    let mut files = Vec::with_capacity(table.len());
    for ((descriptor, name), readable) in table.iter().zip(&names).zip(poll(table)?) {
        let Descriptor { number, duplicate, kind, flags, .. } = descriptor;
        let inode = fcntl::inode(duplicate).or_trouble(Reason::Inspection, "looking at its descriptors")?;
        let shared = *kind == Kind::Socket && ours.contains(duplicate);
        let (number, kind, flags) = (*number, *kind, *flags);
        files.push(File { number, duplicate, kind, name, flags, inode, readable, shared });
    }
    let queues = pending_data::save(&files, &ours.numbers, process)?;
    for (descriptor, queue) in table.iter_mut().zip(queues) {
        descriptor.queue = queue;
    }
    Ok(())
}

fn list(folder: &OwnedFd, numbers: &mut Vec<i32>) -> Step<()> {
    numbers.clear();
    fcntl::list_numbers(folder, numbers).or_trouble(Reason::Inspection, "listing its descriptors")?;
    numbers.sort_unstable();
    Ok(())
}

/// Whether `execve` closes a descriptor.
/// As the kernel's text on a descriptor has it.
fn close_on_exec(text: &[u8]) -> Step<bool> {
    let info = groundhog_proc::fdinfo::parse(text)
        .map_err(|error| Trouble::Refused(Reason::Inspection, error.to_string()))?;
    Ok(info.close_on_exec())
}

/// What `/proc` calls the open file of a descriptor.
fn name_of(process: &Process, number: i32) -> Step<String> {
    let link = std::fs::read_link(PathBuf::from(format!("/proc/{}/fd/{number}", process.pid)))
        .or_trouble(Reason::Inspection, "reading its descriptors")?;
    Ok(link.to_string_lossy().into_owned())
}

fn refuse_kind(process: &Process, number: i32, who: &str) -> Step<()> {
    let name = name_of(process, number)?;
    if name.starts_with("anon_inode:") && FORBIDDEN.iter().any(|kind| name.contains(kind)) {
        let message = format!("{who} descriptor {number} ({name}), through which memory is written unseen");
        return Err(Trouble::Refused(Reason::DescriptorKind, message));
    }
    Ok(())
}
