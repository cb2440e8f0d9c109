//! The descriptor table: which number stands for which open file, with which flags, and at which offset.

use super::refuse;
use super::survey::{self, Survey, list};
use crate::arch::call;
use crate::component::{Component, Restore, Stopped};
use crate::duplicate::Duplicate;
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::trace::process::Process;
use crate::trace::{fd_passing, inspect};
use groundhog_sys::{Errno, fcntl, kcmp};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

/// Of a process with more descriptors than this, each of which costs us one, the kernel's word on them is asked for anew.
const MOST_OPEN: usize = 64;
/// `O_ASYNC`
const ASYNC: u32 = 0o20_000;

#[derive(Debug)]
struct Entry {
    number: i32,
    duplicate: Arc<Duplicate>,
    flags: u32,
    /// None for what has none, such as pipes, and for what this process shares.
    offset: Option<u64>,
    close_on_exec: bool,
    /// What the kernel says of the number, whatever it stands for by then; where closes are not seen, and few can be.
    info: Option<File>,
}

/// The table of the snapshot.
#[derive(Debug)]
pub(crate) struct DescriptorTable {
    entries: Vec<Entry>,
    folder: OwnedFd,
    /// Listing buffer, kept between restores.
    numbers: Vec<i32>,
}

impl DescriptorTable {
    /// Remembers it.
    ///
    /// `sees_closes`: calls that close a descriptor will be seen.
    pub(crate) fn save(process: &Process, survey: &Survey, sees_closes: bool) -> Step<Self> {
        let stays_open = !sees_closes && survey.files.len() <= MOST_OPEN;
        let mut entries = Vec::with_capacity(survey.files.len());
        for file in &survey.files {
            entries.push(Entry {
                number: file.number,
                duplicate: Arc::clone(&file.duplicate),
                flags: file.flags,
                offset: file.offset.filter(|_| !file.is_ours),
                close_on_exec: close_on_exec(&file.info)?,
                info: stays_open.then(|| inspect::open_fdinfo(process.pid, file.number)).transpose()?,
            });
        }
        Ok(Self { entries, folder: survey::open_table(process)?, numbers: Vec::new() })
    }

    /// Whether a descriptor was closed, or got back otherwise, without a call that was seen; or cannot be told not to be.
    fn has_changed(&self, process: &Process) -> Step<bool> {
        for Entry { number, duplicate, close_on_exec, info, .. } in &self.entries {
            let Some(info) = info else { return Ok(true) };
            if kcmp::same_open_file(process.pid, *number, duplicate.as_fd()) != Ok(true) {
                return Ok(true);
            }
            if self::close_on_exec(&inspect::read_anew(info, "reading its descriptors")?)? != *close_on_exec {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn position(&self, number: i32) -> Option<usize> {
        self.entries.binary_search_by_key(&number, |entry| entry.number).ok()
    }

    /// Puts descriptors back, and sets their close-on-exec flags; says how many were put back.
    ///
    /// Some the process still has under another number (a shell does so while it redirects); the others it gets from us.
    fn put_back(&self, stopped: &mut Stopped<'_>) -> Step<u64> {
        const F_SETFD: u64 = 2;
        const F_DUPFD_CLOEXEC: u64 = 1030;
        const O_CLOEXEC: u64 = 0o2_000_000;
        let (mut moved, mut missing) = (Vec::new(), Vec::new());
        let pid = stopped.process.pid;
        let is = |number: i32, entry: &Entry| {
            kcmp::same_open_file(pid, number, entry.duplicate.as_fd()) == Ok(true)
        };
        for entry in self.entries.iter().filter(|entry| !is(entry.number, entry)) {
            match self.numbers.iter().find(|number| is(**number, entry)) {
                Some(elsewhere) => moved.push((*elsewhere, entry.number)),
                None => missing.push(entry),
            }
        }
        let above = self.entries.last().map_or(0, |last| last.number as u64 + 1);
        // All sources first go where no target is, so that none is overwritten before it is used.
        let mut remote = stopped.remote()?;
        for (from, _) in &mut moved {
            let arguments = [*from as u64, F_DUPFD_CLOEXEC, above, 0, 0, 0];
            *from = remote.must("fcntl", call::FCNTL, arguments)? as i32;
        }
        if !missing.is_empty() {
            let fds: Vec<_> = missing.iter().map(|entry| entry.duplicate.as_fd()).collect();
            let passed = fd_passing::pass(&mut remote, &fds, above)?;
            moved.extend(passed.into_iter().zip(missing.iter().map(|entry| entry.number)));
        }
        for (from, to) in &moved {
            remote.must("dup3", call::DUP3, [*from as u64, *to as u64, O_CLOEXEC, 0, 0, 0])?;
            remote.must("close", call::CLOSE, [*from as u64, 0, 0, 0, 0, 0])?;
        }
        for entry in &self.entries {
            let wanted = entry.close_on_exec;
            if close_on_exec(&inspect::fdinfo(pid, entry.number)?)? != wanted {
                let arguments = [entry.number as u64, F_SETFD, u64::from(wanted), 0, 0, 0];
                remote.must("fcntl", call::FCNTL, arguments)?;
            }
        }
        Ok(moved.len() as u64)
    }

    /// The numbers that the snapshot does not have; refuses a table that lacks one of the snapshot.
    fn added(&self) -> Step<Vec<i32>> {
        let added: Vec<i32> =
            self.numbers.iter().copied().filter(|number| self.position(*number).is_none()).collect();
        if self.numbers.len() - added.len() == self.entries.len() {
            return Ok(added);
        }
        let closed = self.entries.iter().find(|entry| self.numbers.binary_search(&entry.number).is_err());
        refuse(closed.map_or(-1, |entry| entry.number), "was closed")
    }
}

impl Component for DescriptorTable {
    /// Closes new descriptors, sets flags and offsets back, and refuses closed or replaced ones that are not to be had any
    /// more.
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        let numbers = restore.observed.numbers
            || !restore.sees_calls
            || (!restore.sees_frequent && self.has_changed(restore.stopped.process)?);
        list(&self.folder, &mut self.numbers)?;
        if numbers {
            restore.report.fds_put_back += self.put_back(&mut restore.stopped)?;
            list(&self.folder, &mut self.numbers)?;
        }
        let added = self.added()?;
        for number in &added {
            survey::refuse_kind(restore.stopped.process, *number, "the request opened")?;
        }
        for entry in &self.entries {
            if restore.observed.status_flags && entry.flags & ASYNC != 0 {
                // By which number signals tell of it, and in which order of several, changes when it is taken away and set.
                return refuse(entry.number, "tells of input by signals, and its flags may have been set");
            }
            if numbers || restore.observed.status_flags {
                entry.check_and_revert(restore.stopped.process)?;
            }
            entry.revert_offset()?;
        }
        if !added.is_empty() {
            let mut remote = restore.stopped.remote()?;
            for number in added {
                // What close() answers for the file's sake does not keep the number open.
                let _file_trouble = remote.call(call::CLOSE, [number as u64, 0, 0, 0, 0, 0])?;
                restore.report.fds_closed += 1;
            }
        }
        restore.lap("descriptors");
        Ok(())
    }

    fn difference(&mut self, stopped: &mut Stopped<'_>) -> Step<Option<String>> {
        let pid = stopped.process.pid;
        list(&self.folder, &mut self.numbers)?;
        if let Some(number) = self.numbers.iter().find(|number| self.position(**number).is_none()) {
            return Ok(Some(format!("descriptor {number} is open, and was not at the snapshot")));
        }
        for Entry { number, duplicate, flags, offset, close_on_exec, .. } in &self.entries {
            if !matches!(kcmp::same_open_file(pid, *number, duplicate.as_fd()), Ok(true)) {
                return Ok(Some(format!("descriptor {number} was closed or replaced")));
            }
            if self::close_on_exec(&inspect::fdinfo(pid, *number)?)? != *close_on_exec {
                return Ok(Some(format!("descriptor {number}: close-on-exec expected {close_on_exec}")));
            }
            let now = fcntl::status_flags(duplicate).or_trouble(Reason::Inspection, "reading file flags")?;
            if now != *flags {
                return Ok(Some(format!("descriptor {number}: flags expected {flags:#o}, found {now:#o}")));
            }
            let now = offset.and_then(|_| fcntl::offset(duplicate));
            if now != *offset {
                return Ok(Some(format!("descriptor {number}: offset expected {offset:?}, found {now:?}")));
            }
        }
        Ok(None)
    }
}

impl Entry {
    fn check_and_revert(&self, process: &Process) -> Step<()> {
        match kcmp::same_open_file(process.pid, self.number, self.duplicate.as_fd()) {
            Ok(true) => {}
            Ok(false) | Err(Errno(9)) => return refuse(self.number, "was replaced"),
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
        let Some(offset) = self.offset else { return Ok(()) };
        if fcntl::offset(&self.duplicate) == Some(offset) {
            return Ok(());
        }
        fcntl::set_offset(&self.duplicate, offset)
            .or_trouble(Reason::DescriptorChanged, "setting a file offset back")
    }
}

/// Whether `execve` closes a descriptor, as the kernel's text on it has it.
fn close_on_exec(text: &[u8]) -> Step<bool> {
    let info = groundhog_proc::fdinfo::parse(text)
        .map_err(|error| Trouble::Refused(Reason::Inspection, error.to_string()))?;
    Ok(info.close_on_exec())
}
