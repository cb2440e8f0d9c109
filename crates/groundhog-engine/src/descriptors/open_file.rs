//! What is set on open files of the snapshot beside their flags and offsets, and on what they lead to: locks, owners,
//! masks, timers; sizes, seals, modes, owners, times that are set.
//!
//! What is set through a descriptor shows in the calls on it. What is set on the file behind it may be set under any number
//! or name: after a call that sets such things at all, everything is compared.

use super::refuse;
use super::survey::{OpenFile, Survey};
use super::times::{self, Noted, Times};
use crate::arch::call;
use crate::component::{Component, Restore, Stopped};
use crate::duplicate::Duplicate;
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::report::RestoreReport;
use crate::trace::inspect;
use groundhog_proc::fdinfo;
use groundhog_sys::fcntl::{FileType, Settings};
use groundhog_sys::file_contents::Attributes;
use groundhog_sys::{fcntl, file_contents, open_file};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// Lines of a descriptor's `fdinfo` that other components put back, or that change by themselves.
const PASSING: [&[u8]; 5] = [b"pos:", b"flags:", b"eventfd-count:", b"ticks:", b"it_value:"];
/// Files without a name of which it tells all that can be set.
const TELLING: [&str; 5] = ["eventfd", "timerfd", "signalfd", "eventpoll", "pidfd"];
const NEVER: (i64, i64) = (0, 0);
/// `TFD_TIMER_ABSTIME`
const ABSOLUTE: u32 = 1;

/// What a timer was set to, and with which flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Timer {
    flags: u32,
    setting: open_file::Timer,
}

#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a property of its own")]
struct State {
    number: i32,
    duplicate: Arc<Duplicate>,
    kind: FileType,
    is_ours: bool,
    settings: Settings,
    /// What it is set to, if it is a timer.
    timer: Option<Timer>,
    /// What the kernel tells of it and does not change by itself, a line each.
    lines: Vec<Vec<u8>>,
    /// Of what it leads to, where that is the process's alone and no folder shows it.
    attributes: Option<Attributes>,
    /// The kernel does not tell all that is set on it: rules, the numbers of watches.
    is_silent: bool,
    /// The kernel notes when it is read and written: its times are put back later, by their own component.
    notes_times: bool,
    /// It changes without a call on it: watches are used up, locks and leases are lost by what is done to the file elsewhere.
    changes_by_itself: bool,
}

/// All of it, as it was.
#[derive(Debug)]
pub(crate) struct OpenFileStates(Vec<State>);

impl OpenFileStates {
    /// Remembers it, and the times that change by themselves.
    pub(crate) fn save(survey: &Survey) -> Step<(Self, Times)> {
        let (states, times): (Vec<_>, Vec<_>) =
            survey.files.iter().map(State::of).collect::<Step<Vec<_>>>()?.into_iter().unzip();
        let times: Vec<_> = times.into_iter().flatten().collect();
        // Now, not with the first restore: a pipe whose times cannot be set must not be found only then.
        times.iter().try_for_each(Noted::revert)?;
        Ok((Self(states), Times(times)))
    }

    /// Sets timers back to what they were set to, with the time that was left at the snapshot. `all`: some may have been set,
    /// else only those that count down, of which the time that is left would tell which requests have set some, and those that were
    /// armed unseen.
    fn revert_timers(&self, all: bool, report: &mut RestoreReport) -> Step<()> {
        for state in &self.0 {
            let Some(before) = state.timer else { continue };
            if !all && !state.counts_down() && !state.is_newly_armed()? {
                continue;
            }
            let armed = before.setting.left != NEVER;
            if armed && before.flags & ABSOLUTE != 0 {
                return refuse(state.number, "is a timer for a moment that may be over, and a timer was set");
            }
            open_file::set_timer(&state.duplicate, before.flags, before.setting)
                .or_trouble(Reason::DescriptorChanged, "setting a timer back")?;
            report.attributes_reverted += 1;
        }
        Ok(())
    }
}

impl Component for OpenFileStates {
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        let observed = restore.observed;
        let touched = |state: &State| observed.open_files.contains(&state.number);
        // By a duplicate one is set unseen, and of the time that is left nothing tells.
        let timers = observed.timers || self.0.iter().any(|state| state.timer.is_some() && touched(state));
        // Before what waits is looked at: a timer that went off is readable.
        if timers || !restore.sees_calls || self.0.iter().any(State::counts_down) {
            self.revert_timers(timers, restore.report)?;
        }
        for state in &self.0 {
            let touched = touched(state);
            if touched {
                state.revert_settings(restore)?;
            }
            if touched || state.changes_by_itself || !restore.sees_calls || (timers && state.timer.is_some())
            {
                state.check(&restore.stopped, touched)?;
            }
            if observed.inodes || !restore.sees_calls {
                state.revert_inode(restore.report)?;
            }
        }
        Ok(())
    }

    fn difference(&mut self, stopped: &mut Stopped<'_>) -> Step<Option<String>> {
        for state in &self.0 {
            let name = format!("descriptor {}", state.number);
            if fcntl::settings(&state.duplicate) != state.settings {
                return Ok(Some(format!("{name}: settings expected {:?}", state.settings)));
            }
            if state.is_newly_armed()? {
                return Ok(Some(format!("{name}: a timer that was not armed is")));
            }
            if lasting_lines(&inspect::fdinfo(stopped.process.pid, state.number)?) != state.lines {
                return Ok(Some(format!("{name}: a lock on it or what it watches changed")));
            }
            if state.attributes.is_some() && state.attributes_now()? != state.attributes {
                return Ok(Some(format!("{name}: mode, owner or times of what it leads to changed")));
            }
        }
        Ok(None)
    }
}

impl State {
    fn of(file: &OpenFile) -> Step<(Self, Option<Noted>)> {
        let OpenFile { number, kind, is_ours, .. } = *file;
        let lines = lasting_lines(&file.info);
        // Locks of the process are lost with any descriptor for the file, leases with any opening of it.
        let is_lost_elsewhere = lines
            .iter()
            .filter(|line| line.starts_with(b"lock:"))
            .any(|line| line.windows(5).any(|word| matches!(word, b"POSIX" | b"LEASE" | b"DELEG")));
        let mut state = Self {
            number,
            duplicate: Arc::clone(&file.duplicate),
            kind,
            is_ours,
            settings: fcntl::settings(&file.duplicate),
            timer: timer(&file.info, &file.duplicate)?,
            lines,
            attributes: None,
            is_silent: kind == FileType::Anonymous && !TELLING.iter().any(|kind| file.name.contains(kind)),
            changes_by_itself: file.is_watching() || is_lost_elsewhere,
            notes_times: false,
        };
        state.attributes = state.attributes_now()?;
        let mut times = state.attributes.as_ref().filter(|_| times::are_noted(file)).map(|before| Noted {
            number,
            duplicate: Arc::clone(&file.duplicate),
            accessed: before.accessed,
            modified: before.modified,
        });
        // A pipe of somebody else's, with a name outside of a jail or the supervisor's own log, is left as it is.
        let may_be_others = is_ours || (kind == FileType::Pipe && !fcntl::is_unnamed_pipe(&file.duplicate));
        if may_be_others && times.as_ref().is_some_and(|times| times.revert().is_err()) {
            times = None;
            state.attributes.take_if(|_| is_ours);
        }
        state.notes_times = times.is_some();
        if state.notes_times {
            state.attributes = state.attributes_now()?;
        }
        Ok((state, times))
    }

    /// Of pipes, sockets, and files without a name; the others are private files, or nobody may change them. Of what the
    /// supervisor has open, too, only pipes: those that it made for the process.
    fn attributes_now(&self) -> Step<Option<Attributes>> {
        let own = match self.kind {
            FileType::Pipe | FileType::Socket => true,
            FileType::File => file_contents::is_nameless(&self.duplicate).unwrap_or(true),
            FileType::Anonymous => false,
        };
        if !own || (self.is_ours && self.kind != FileType::Pipe) {
            return Ok(None);
        }
        let mut attributes = times::attributes(&self.duplicate)?;
        if self.notes_times {
            (attributes.accessed, attributes.modified) = (NEVER, NEVER);
        }
        Ok(Some(attributes))
    }

    /// Whether it was armed for after a while, not for a moment.
    fn counts_down(&self) -> bool {
        self.timer.is_some_and(|timer| timer.setting.left != NEVER && timer.flags & ABSOLUTE == 0)
    }

    /// An armed timer goes on, or has gone off; one that was not armed stays so.
    fn is_newly_armed(&self) -> Step<bool> {
        match self.timer {
            Some(before) if before.setting.left == NEVER => {
                let now =
                    open_file::timer(&self.duplicate).or_trouble(Reason::Inspection, "reading a timer")?;
                Ok(now.left != NEVER)
            }
            _ => Ok(false),
        }
    }

    /// Gives up locks that the snapshot did not have, and sets owners and their signals back.
    fn revert_settings(&self, restore: &mut Restore<'_>) -> Step<()> {
        let pid = restore.stopped.process.pid;
        if !self.lines.iter().any(is_lock)
            && lasting_lines(&inspect::fdinfo(pid, self.number)?).iter().any(is_lock)
        {
            open_file::unlock(&self.duplicate);
            unlock_own(&mut restore.stopped, self.number)?;
            restore.report.attributes_reverted += 1;
        }
        let (before, now) = (&self.settings, fcntl::settings(&self.duplicate));
        if now == *before {
            return Ok(());
        }
        // Another owner than nobody would be told in our name.
        if before.owner == 0 && (now.owner, now.owner_type) != (0, before.owner_type) {
            let _shows = open_file::disown(&self.duplicate, before.owner_type);
        }
        if now.signal != before.signal {
            let _shows = open_file::set_signal(&self.duplicate, before.signal);
        }
        if now.pipe_size != before.pipe_size {
            let _shows = open_file::set_pipe_size(&self.duplicate, before.pipe_size);
        }
        restore.report.attributes_reverted += 1;
        Ok(())
    }

    /// Refuses what could not be put back. `touched`: settings were set through it, or a duplicate of it was made.
    fn check(&self, stopped: &Stopped<'_>, touched: bool) -> Step<()> {
        if touched && self.kind == FileType::Socket {
            return refuse(self.number, "is a socket and was duplicated, or set up otherwise");
        }
        if touched && self.is_silent {
            let what = "was duplicated, or set up otherwise, and does not tell what is set on it";
            return refuse(self.number, what);
        }
        if touched && self.lines.iter().any(is_lock) {
            // Where it stands among others is another place once it was taken again (/proc/locks).
            return refuse(self.number, "had a lock on it at the snapshot, which may have been taken again");
        }
        if fcntl::settings(&self.duplicate) != self.settings {
            return refuse(self.number, "has other settings than at the snapshot");
        }
        // The members of an epoll set are put back later, by their own component.
        let is_member = |line: &&Vec<u8>| line.starts_with(b"tfd:");
        let now = lasting_lines(&inspect::fdinfo(stopped.process.pid, self.number)?);
        let same =
            now.iter().filter(|line| !is_member(line)).eq(self.lines.iter().filter(|line| !is_member(line)));
        if same {
            Ok(())
        } else {
            refuse(self.number, "has another lock on it, mask or watch than at the snapshot")
        }
    }

    /// Sizes of pipes, modes; seals and owners cannot be put back.
    fn revert_inode(&self, report: &mut RestoreReport) -> Step<()> {
        let now = fcntl::settings(&self.duplicate);
        if now.pipe_size != self.settings.pipe_size {
            let _shows = open_file::set_pipe_size(&self.duplicate, self.settings.pipe_size);
            report.attributes_reverted += 1;
        }
        if let (Some(before), Some(now)) = (&self.attributes, self.attributes_now()?) {
            if before.mode != now.mode {
                let _shows = file_contents::set_mode(&self.duplicate, before.mode);
                report.attributes_reverted += 1;
            }
            if (before.accessed, before.modified) != (now.accessed, now.modified) {
                let _shows = file_contents::set_times(&self.duplicate, before.accessed, before.modified);
            }
            if self.attributes_now()? != self.attributes {
                return refuse(self.number, "has another owner or mode than at the snapshot, or other links");
            }
        }
        if fcntl::settings(&self.duplicate) == self.settings {
            return Ok(());
        }
        refuse(self.number, "has other seals or another size than at the snapshot")
    }
}

#[allow(clippy::ptr_arg, reason = "asked of the elements of a list")]
fn is_lock(line: &Vec<u8>) -> bool {
    line.starts_with(b"lock:")
}

/// The lines of what the kernel tells of a descriptor, without what is put back elsewhere or passes.
fn lasting_lines(text: &[u8]) -> Vec<Vec<u8>> {
    let lasting = |line: &&[u8]| !PASSING.iter().any(|start| line.trim_ascii_start().starts_with(start));
    text.split(|byte| *byte == b'\n').filter(lasting).map(<[u8]>::to_vec).collect()
}

/// The timer behind a descriptor, if it is one.
fn timer(text: &[u8], duplicate: &OwnedFd) -> Step<Option<Timer>> {
    let flags =
        fdinfo::timer_flags(text).map_err(|error| Trouble::Refused(Reason::Inspection, error.to_string()))?;
    let read = |flags| {
        let setting = open_file::timer(duplicate).or_trouble(Reason::Inspection, "reading a timer")?;
        Ok(Timer { flags, setting })
    };
    flags.map(read).transpose()
}

/// Gives up the locks that the process itself holds on a file, which no duplicate of ours can.
fn unlock_own(stopped: &mut Stopped<'_>, number: i32) -> Step<()> {
    const F_SETLK: u64 = 6;
    const F_UNLCK: u8 = 2;
    let mut remote = stopped.remote()?;
    // struct flock: type, whence, then a start and a length of 0 for the whole file.
    let mut lock = [0; 32];
    lock[0] = F_UNLCK;
    let lock = remote.put(&lock)?;
    let _shows = remote.call(call::FCNTL, [number as u64, F_SETLK, lock.0, 0, 0, 0])?;
    Ok(())
}
