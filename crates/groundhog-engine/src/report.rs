//! What a snapshot took and what a restore did.

use crate::strategy::Strategy;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Named durations, in the order in which they were measured.
pub type Phases = Vec<(&'static str, Duration)>;

/// What a snapshot took.
#[derive(Clone, Debug)]
pub struct SnapshotInfo {
    /// How writes are followed from now on.
    pub strategy: Strategy,
    /// Mappings of the process.
    pub mappings: usize,
    /// Private pages that were resident.
    pub pages: u64,
    /// Pages of those whose contents had to be kept.
    pub pages_saved: u64,
    /// Bytes kept, shared memory included.
    pub bytes: u64,
    /// Threads.
    pub threads: usize,
    /// How long the process was stopped.
    pub duration: Duration,
    /// The same by phase.
    pub phases: Phases,
}

/// What one restore found and did.
#[derive(Clone, Debug)]
pub struct RestoreReport {
    /// How writes were followed.
    pub strategy: Strategy,
    /// Pages that were, or may have been, written.
    pub pages_dirty: u64,
    /// Pages copied back.
    pub pages_copied: u64,
    /// Pages filled with zeros.
    pub pages_zeroed: u64,
    /// Pages given back to the kernel.
    pub pages_dropped: u64,
    /// Protected pages that the request wrote: each cost it a tracking fault.
    pub pages_faulted: u64,
    /// Pages protected again.
    pub pages_protected: u64,
    /// Pages that are hot now.
    pub pages_hot: u64,
    /// Mappings removed, put back, protected anew.
    pub layout_changes: u64,
    /// Calls of the request that could change the layout, if the kernel tells of them: each cost it a stop.
    pub layout_calls: u64,
    /// New threads that were ended.
    pub threads_ended: u64,
    /// Child processes that were killed.
    pub children_killed: u64,
    /// New descriptors that were closed.
    pub fds_closed: u64,
    /// Connections of the snapshot that the request used and that were shut down.
    pub connections_shut: u64,
    /// Descriptors of the snapshot that were put back.
    pub fds_put_back: u64,
    /// What else the kernel keeps and was put back: settings, limits, timers, locks.
    pub attributes_reverted: u64,
    /// Bytes found in our own pipes and dropped.
    pub bytes_drained: u64,
    /// Signals that were pending and are dropped.
    pub signals_dropped: u64,
    /// Names in its private folders that were put back.
    pub files_reverted: u64,
    /// Everything was compared with the snapshot afterwards.
    pub verified: bool,
    /// How often the process was stopped at other calls that may leave something behind, by the names of the calls.
    pub stops: BTreeMap<&'static str, u64>,
    /// From the command to the resumed process.
    pub duration: Duration,
    /// The same by phase.
    pub phases: Phases,
}

impl RestoreReport {
    /// A report of nothing done yet.
    pub(crate) fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            pages_dirty: 0,
            pages_copied: 0,
            pages_zeroed: 0,
            pages_dropped: 0,
            pages_faulted: 0,
            pages_protected: 0,
            pages_hot: 0,
            layout_changes: 0,
            layout_calls: 0,
            threads_ended: 0,
            children_killed: 0,
            fds_closed: 0,
            connections_shut: 0,
            fds_put_back: 0,
            attributes_reverted: 0,
            bytes_drained: 0,
            signals_dropped: 0,
            files_reverted: 0,
            verified: false,
            stops: BTreeMap::new(),
            duration: Duration::ZERO,
            phases: Phases::with_capacity(10),
        }
    }
}

/// Measures phases one after the other.
pub(crate) struct Stopwatch {
    begun: Instant,
    last: Instant,
}

impl Stopwatch {
    /// Starts measuring now.
    pub(crate) fn start() -> Self {
        Self::since(Instant::now())
    }

    /// Counts from an earlier moment.
    pub(crate) fn since(begun: Instant) -> Self {
        Self { begun, last: begun }
    }

    /// Ends a phase.
    pub(crate) fn lap(&mut self, phases: &mut Phases, name: &'static str) {
        let now = Instant::now();
        phases.push((name, now - self.last));
        self.last = now;
    }

    /// Everything since the start.
    pub(crate) fn total(&self) -> Duration {
        self.last - self.begun
    }
}
