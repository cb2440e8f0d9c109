//! Where the tracer thread runs: on the processor that the process was on, if there is much to be copied.
//!
//! What a request has written lies in the caches of that processor, and there it is read next. From the other one, a restore of 800
//! pages takes 600 us instead of 340. The kernel wakes the tracer wherever it finds a processor idle, and then leaves it there.
//!
//! It is moved, not bound: bound to it, it would wait there for the thread that asked for the restore, which cost a fifth of all
//! requests at saturation.

use crate::trace::process::Process;
use groundhog_proc::stat;
use groundhog_sys::{PAGE_SIZE, fcntl, scheduling};
use std::fs::File;

/// From so many dirty pages on, a look and a move cost less than they save.
const WORTH_IT: u64 = 200;

/// Follows one process.
#[derive(Debug)]
pub(super) struct Placement {
    /// `/proc/PID/task/PID/stat`; none, and the tracer stays where it is.
    stat: Option<File>,
    /// How many pages the last restore found dirty.
    last_dirty: u64,
}

impl Placement {
    pub(super) fn new(process: &Process) -> Self {
        Self { stat: File::open(format!("/proc/{0}/task/{0}/stat", process.pid)).ok(), last_dirty: 0 }
    }

    /// Has the calling thread go on where the first thread of the stopped process was, if that is worth it.
    pub(super) fn follow(&self) {
        if self.last_dirty < WORTH_IT {
            return;
        }
        let Some(processor) = self.processor() else { return };
        if scheduling::processor().is_some_and(|here| here != processor) {
            // It may not run there: then it stays.
            let _moved = scheduling::move_to(processor);
        }
    }

    /// A restore has found so many pages dirty.
    pub(super) fn note(&mut self, dirty: u64) {
        self.last_dirty = dirty;
    }

    fn processor(&self) -> Option<u64> {
        let text = fcntl::beginning(self.stat.as_ref()?, PAGE_SIZE as usize).ok()?;
        stat::parse(&text).ok().map(|stat| stat.processor)
    }
}
