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

/// Hands the counters of a restore, with what each of them counts, to a macro: they are listed here, and by the stub.
#[macro_export]
macro_rules! restore_counters {
    ($to:ident) => {
        $to! {
            /// Pages that were, or may have been, written.
            pages_dirty,
            /// Pages copied back.
            pages_copied,
            /// Pages filled with zeros.
            pages_zeroed,
            /// Pages given back to the kernel.
            pages_dropped,
            /// Protected pages that the request wrote: each cost it a tracking fault.
            pages_faulted,
            /// Pages protected again.
            pages_protected,
            /// Pages that are hot now: never protected, always copied back.
            pages_hot,
            /// Mappings removed, put back, protected anew.
            layout_changes,
            /// Calls of the request that could change the layout, if watched: each cost it a stop.
            layout_calls,
            /// New threads that were ended.
            threads_ended,
            /// Threads of the snapshot that had ended, and were put back.
            threads_put_back,
            /// Child processes that were killed.
            children_killed,
            /// New descriptors that were closed.
            fds_closed,
            /// Connections of the snapshot that the request used, and that were shut down.
            connections_shut,
            /// Descriptors of the snapshot that were closed or replaced, and were put back.
            fds_put_back,
            /// What else the kernel keeps and was put back: settings, limits, timers, locks.
            attributes_reverted,
            /// Bytes found in the supervisor's own pipes and dropped.
            bytes_drained,
            /// Names in its private folders that were put back.
            files_reverted,
            /// Signals that were pending and were dropped.
            signals_dropped,
        }
    };
}

macro_rules! report {
    ($($(#[doc = $doc:literal])* $counter:ident,)*) => {
        /// What one restore found and did.
        #[derive(Clone, Debug)]
        pub struct RestoreReport {
            /// How writes were followed.
            pub strategy: Strategy,
            $($(#[doc = $doc])* pub $counter: u64,)*
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
                    $($counter: 0,)*
                    verified: false,
                    stops: BTreeMap::new(),
                    duration: Duration::ZERO,
                    phases: Phases::with_capacity(10),
                }
            }
        }
    };
}
restore_counters!(report);

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

    /// Ends a phase, or another part of one that has been before.
    pub(crate) fn lap(&mut self, phases: &mut Phases, name: &'static str) {
        let now = Instant::now();
        let took = now - self.last;
        match phases.iter_mut().find(|(phase, _)| *phase == name) {
            Some((_, so_far)) => *so_far += took,
            None => phases.push((name, took)),
        }
        self.last = now;
    }

    /// Whether it has been so long since the start.
    pub(crate) fn has_taken(&self, long: Duration) -> bool {
        self.begun.elapsed() >= long
    }

    /// Everything since the start.
    pub(crate) fn total(&self) -> Duration {
        self.last - self.begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_phase_count_together() {
        let mut watch = Stopwatch::start();
        let mut phases = Phases::new();
        for name in ["layout", "scan", "layout"] {
            watch.lap(&mut phases, name);
        }
        assert_eq!(phases.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["layout", "scan"]);
        assert_eq!(phases.iter().map(|(_, took)| *took).sum::<Duration>(), watch.total());
    }
}
