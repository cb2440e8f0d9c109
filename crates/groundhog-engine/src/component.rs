//! One kind of state of a process: how it is reverted, and how a difference to the snapshot is found.
//!
//! A snapshot is a list of components in a fixed order (see `session::snapshot`). Restore, verify and audit are loops over
//! that list, so that there is no state that is reverted and not verified.

use crate::error::Step;
use crate::report::{RestoreReport, Stopwatch};
use crate::syscalls::observed::Observed;
use crate::trace::process::Process;
use crate::trace::remote_syscall::{Anchor, Remote};
use groundhog_sys::Tid;
use std::time::{Duration, Instant};

/// A stopped process, and where calls can be made inside it.
pub(crate) struct Stopped<'a> {
    pub(crate) process: &'a mut Process,
    pub(crate) anchor: Anchor,
}

impl Stopped<'_> {
    /// A scope for calls inside the process.
    pub(crate) fn remote(&mut self) -> Step<Remote<'_>> {
        Remote::enter(self.process, self.anchor)
    }
}

/// What a restore knows and does.
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each with a name")]
pub(crate) struct Restore<'a> {
    pub(crate) stopped: Stopped<'a>,
    /// What the request was seen to do.
    pub(crate) observed: &'a Observed,
    /// Calls are seen; otherwise a component looks for whatever they may have done.
    pub(crate) sees_calls: bool,
    /// Calls that change the layout or close descriptors are seen, too.
    pub(crate) sees_frequent: bool,
    /// Children were born and have been killed since the last restore.
    pub(crate) had_children: bool,
    /// Mappings may have been replaced by others that look the same, for all that the tracker knows: said once memory is put back.
    pub(crate) replaced: bool,
    /// Threads that were held at their ends: others may have their memory, so that they make no call before it is put back.
    pub(crate) held: &'a [Tid],
    pub(crate) report: &'a mut RestoreReport,
    pub(crate) watch: &'a mut Stopwatch,
}

impl Restore<'_> {
    /// Ends a phase of the restore.
    pub(crate) fn lap(&mut self, phase: &'static str) {
        self.watch.lap(&mut self.report.phases, phase);
    }
}

/// A kind of state.
pub(crate) trait Component: std::fmt::Debug {
    /// Puts it back as it was at the snapshot, or refuses what cannot be put back.
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()>;

    /// The first difference to the snapshot, or none. It changes nothing.
    fn difference(&mut self, stopped: &mut Stopped<'_>) -> Step<Option<String>>;
}

/// Waits until something is true that others bring about, of which the kernel has no event; whether it is in time.
pub(crate) fn comes_true(within: Duration, is_true: impl Fn() -> Step<bool>) -> Step<bool> {
    const PAUSE: Duration = Duration::from_micros(200);
    let begun = Instant::now();
    loop {
        if is_true()? {
            return Ok(true);
        }
        if begun.elapsed() > within {
            return Ok(false);
        }
        std::thread::sleep(PAUSE);
    }
}
