//! What was set on open files of the snapshot beside their flags and offsets: locks, owners, sizes, timers. Put back
//! through our duplicates; what is different still is found by whoever compares.

use super::{Descriptors, fcntl};
use crate::arch::call;
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::report::RestoreReport;
use crate::trace::inspect;
use crate::trace::process::Process;
use crate::trace::remote_syscall::{Anchor, Remote};
use groundhog_proc::fdinfo;
use groundhog_sys::open_file;
use std::os::fd::OwnedFd;

/// What a timer was set to, and with which flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timer {
    flags: u32,
    setting: open_file::Timer,
}

const NEVER: (i64, i64) = (0, 0);
/// `TFD_TIMER_ABSTIME`
const ABSOLUTE: u32 = 1;

/// The lines on locks in what the kernel tells of a descriptor.
pub(super) fn locks(text: &[u8]) -> Vec<u8> {
    text.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"lock:")).collect::<Vec<_>>().concat()
}

/// The timer behind a descriptor, if it is one.
pub(super) fn timer(text: &[u8], duplicate: &OwnedFd) -> Step<Option<Timer>> {
    let flags =
        fdinfo::timer_flags(text).map_err(|error| Trouble::Refused(Reason::Inspection, error.to_string()))?;
    let read = |flags| {
        let setting = open_file::timer(duplicate).or_trouble(Reason::Inspection, "reading a timer")?;
        Ok(Timer { flags, setting })
    };
    flags.map(read).transpose()
}

impl Descriptors {
    /// The numbers of those that the process itself holds locks on, which it loses with any descriptor for the same file.
    pub(crate) fn locked_by_process(&self) -> Vec<i32> {
        let posix = |locks: &[u8]| locks.windows(5).any(|word| word == b"POSIX");
        self.table.iter().filter(|descriptor| posix(&descriptor.locks)).map(|d| d.number).collect()
    }

    /// Gives up locks that the snapshot did not have, and sets owners, their signals and sizes of pipes back, of those among
    /// `numbers`.
    pub(crate) fn revert_settings(
        &self,
        process: &mut Process,
        anchor: Anchor,
        numbers: &[i32],
        report: &mut RestoreReport,
    ) -> Step<()> {
        for descriptor in self.table.iter().filter(|descriptor| numbers.contains(&descriptor.number)) {
            let (number, duplicate, before) =
                (descriptor.number, &descriptor.duplicate, &descriptor.settings);
            if descriptor.locks.is_empty() && !locks(&inspect::fdinfo(process.pid, number)?).is_empty() {
                open_file::unlock(duplicate);
                unlock_own(process, anchor, number)?;
                report.attributes_reverted += 1;
            }
            let now = fcntl::settings(duplicate);
            if now == *before {
                continue;
            }
            // Another owner than nobody would be told in our name.
            if before.owner == 0 && (now.owner, now.owner_type) != (0, before.owner_type) {
                let _shows = open_file::disown(duplicate, before.owner_type);
            }
            if now.signal != before.signal {
                let _shows = open_file::set_signal(duplicate, before.signal);
            }
            if now.pipe_size != before.pipe_size {
                let _shows = open_file::set_pipe_size(duplicate, before.pipe_size);
            }
            report.attributes_reverted += 1;
        }
        Ok(())
    }

    /// Sets timers back to what they were set to, with the time that was left at the snapshot. Says which those were.
    pub(crate) fn revert_timers(&self, report: &mut RestoreReport) -> Step<Vec<i32>> {
        let mut numbers = Vec::new();
        for descriptor in &self.table {
            let Some(before) = descriptor.timer else { continue };
            numbers.push(descriptor.number);
            let armed = before.setting.left != NEVER;
            if armed && before.flags & ABSOLUTE != 0 {
                return descriptor.refuse("is a timer for a moment that may be over, and a timer was set");
            }
            open_file::set_timer(&descriptor.duplicate, before.flags, before.setting)
                .or_trouble(Reason::DescriptorChanged, "setting a timer back")?;
            report.attributes_reverted += 1;
        }
        Ok(numbers)
    }
}

/// Gives up the locks that the process itself holds on a file, which no duplicate of ours can.
fn unlock_own(process: &mut Process, anchor: Anchor, number: i32) -> Step<()> {
    const F_SETLK: u64 = 6;
    const F_UNLCK: u8 = 2;
    let mut remote = Remote::enter(process, anchor)?;
    // struct flock: type, whence, then a start and a length of 0 for the whole file.
    let mut lock = [0; 32];
    lock[0] = F_UNLCK;
    let lock = remote.put(&lock)?;
    let _shows = remote.call(call::FCNTL, [number as u64, F_SETLK, lock.0, 0, 0, 0])?;
    Ok(())
}
