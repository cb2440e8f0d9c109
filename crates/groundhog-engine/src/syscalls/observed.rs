//! What a request did, as far as the calls that we see tell, since this was last taken.

use super::policy::StateKind;
use groundhog_sys::Tid;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// How many numbers of timers are noted; where it names more, it may have named any.
const MAX_NUMBERS: usize = 1024;

/// A set of kinds of state, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct StateKinds(u32);

impl StateKinds {
    fn has(self, kind: StateKind) -> bool {
        self.0 & 1 << kind as u32 != 0
    }
}

/// The state that a request set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    kinds: StateKinds,
    /// Numbers of POSIX timers that it named.
    timers: BTreeSet<i32>,
    /// Of those, the ones that it deleted.
    deleted_timers: BTreeSet<i32>,
    /// Threads that may have another alternate stack; none: any.
    pub(crate) threads: Vec<Tid>,
}

impl Touched {
    /// Everything, where no call is seen.
    pub(crate) fn all() -> Self {
        Self { kinds: StateKinds(!0), ..Self::default() }
    }

    /// Adds what can be set by writing to files under `/proc`, of which no call tells.
    pub(crate) fn note_files(&mut self) {
        for kind in [StateKind::Written, StateKind::Name, StateKind::Slack] {
            self.kinds.0 |= 1 << kind as u32;
        }
    }

    /// Adds a kind.
    pub(crate) fn note_kind(&mut self, kind: StateKind) {
        self.kinds.0 |= 1 << kind as u32;
    }

    /// Books a call of a thread, on the timer that it names.
    pub(crate) fn note(&mut self, kind: StateKind, caller: Tid, timer: i32) {
        self.kinds.0 |= 1 << kind as u32;
        match kind {
            StateKind::PosixTimers if self.timers.len() < MAX_NUMBERS => drop(self.timers.insert(timer)),
            StateKind::TimerNumbers => self.kinds.0 |= 1 << StateKind::PosixTimers as u32,
            StateKind::AlternateStack if !self.threads.contains(&caller) => self.threads.push(caller),
            _ => {}
        }
    }

    /// Adds a POSIX timer that was deleted: another one may have its number by now.
    pub(crate) fn note_deletion(&mut self, timer: i32) {
        if self.deleted_timers.len() < MAX_NUMBERS {
            self.deleted_timers.insert(timer);
        }
    }

    /// Whether it may have deleted a POSIX timer.
    pub(crate) fn may_have_deleted_timer(&self, number: i32) -> bool {
        self.deleted_timers.len() == MAX_NUMBERS || self.deleted_timers.contains(&number)
    }

    /// Whether it named a POSIX timer.
    pub(crate) fn names_timer(&self, number: i32) -> bool {
        self.timers.len() == MAX_NUMBERS || self.timers.contains(&number)
    }

    /// Signals were delivered, for which the kernel may have taken alternate stacks away.
    pub(crate) fn note_delivery(&mut self) {
        self.kinds.0 |= 1 << StateKind::AlternateStack as u32;
        self.threads.clear();
    }

    /// Nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.kinds.0 == 0
    }

    /// No call is seen, so that it may be anything.
    pub(crate) fn is_everything(&self) -> bool {
        self.kinds == StateKinds(!0)
    }

    /// Whether it set some of this kind.
    pub(crate) fn has(&self, kind: StateKind) -> bool {
        self.kinds.has(kind)
    }
}

/// What calls there were. Numbers of descriptors are those of the snapshot, whoever used them under whatever number.
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each with a name")]
#[derive(Debug, Default)]
pub(crate) struct Observed {
    /// How many that change the layout.
    pub(crate) layout_calls: u64,
    /// How many others there were that we were asked about, by the names of the calls.
    pub(crate) stops: BTreeMap<&'static str, u64>,
    /// Some that change the flags of mappings.
    pub(crate) mapping_flags: bool,
    /// Memory mapped since the snapshot that got a policy of its own, which no list of mappings shows; in order, and apart.
    pub(crate) policies: Vec<Range<u64>>,
    /// Where mappings were that have been moved; in order, and apart.
    pub(crate) moved: Vec<Range<u64>>,
    /// What may have been removed of the snapshot's mappings, whatever lies there now; in order, and apart.
    pub(crate) removed: Vec<Range<u64>>,
    /// What some set that can be put back.
    pub(crate) touched: Touched,
    /// One whose effect cannot be put back: which, and why if that is not plain.
    pub(crate) retires: Option<String>,
    /// A seccomp program of its own was installed, or tried to be.
    pub(crate) escaped: bool,
    /// Descriptors of the snapshot were closed, replaced or flagged, if only for a while.
    pub(crate) numbers: bool,
    /// Status flags of open files were set.
    pub(crate) status_flags: bool,
    /// Open files that were locked or set up otherwise, or were duplicated, so that what was done to them was not seen, or
    /// epoll sets that may have changed.
    pub(crate) open_files: BTreeSet<i32>,
    /// Open files of the snapshot got other numbers, too.
    pub(crate) duplicated: bool,
    /// A process with several threads set how the kernel reads ahead in a file: another one by the time that was done, if a thread has
    /// exchanged it.
    pub(crate) set_reading_beside_others: bool,
    /// Members of epoll sets were added or taken out.
    pub(crate) rearranged: bool,
    /// Likewise of sets that are not the snapshot's, or others than its open files, in a process with several threads.
    pub(crate) rearranged_beside_others: bool,
    /// Timer descriptors were set.
    pub(crate) timers: bool,
    /// Sockets of which options were set that can be put back.
    pub(crate) socket_options: BTreeSet<i32>,
    /// Those of the times that they wait for at most (`SO_RCVTIMEO`, `SO_SNDTIMEO`), by socket.
    pub(crate) timeouts: BTreeSet<(i32, u32)>,
    /// Attributes of what any descriptor leads to may have been set.
    pub(crate) inodes: bool,
    /// Sockets that were read from or written to, of those that are watched.
    pub(crate) called: BTreeSet<i32>,
    /// Sockets that may hold back an unfinished message.
    pub(crate) corked: BTreeSet<i32>,
    /// Those that were shut down, of all sockets.
    pub(crate) shut: BTreeSet<i32>,
    /// Signals whose action was set, bit n-1 for signal n.
    pub(crate) actions: u64,
    /// Signals were sent, which may wait where only a closer look finds them.
    pub(crate) signalled: bool,
    /// The process as a whole was sent some, or asked for some.
    pub(crate) signalled_as_a_whole: bool,
    /// Files may have been changed.
    pub(crate) files: bool,
}

impl Observed {
    /// Books a call that cannot be put back; the first one counts.
    pub(crate) fn retire(&mut self, call: impl Into<String>) {
        self.retires.get_or_insert(call.into());
    }

    /// Books calls on other open files as ones on those of the snapshot, where a thread may have put one of these in the place of another
    /// while a call was on its way. It needs a duplicate for that, whenever that is made.
    pub(crate) fn settle_doubts(&mut self) {
        if !self.duplicated {
            return;
        }
        self.rearranged |= self.rearranged_beside_others;
        if self.set_reading_beside_others {
            self.retire("fadvise64, of what another thread may have exchanged");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_touched_is_a_set() {
        let mut touched = Touched::default();
        assert!(touched.is_empty() && !touched.has(StateKind::Mask));
        touched.note(StateKind::Mask, Tid(1), 0);
        touched.note(StateKind::TimerNumbers, Tid(1), 0);
        let has = |kind| touched.has(kind);
        assert!(has(StateKind::Mask) && has(StateKind::PosixTimers) && !has(StateKind::Limits));
        assert!(touched.timers.is_empty() && touched.threads.is_empty());
    }
}
