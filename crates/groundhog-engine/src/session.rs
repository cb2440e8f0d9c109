//! One traced process from its start to its end.
//!
//! ```text
//!   Tracee (any thread)  --command, doorbell-->  Tracer (its thread)  ->  Session: process, snapshot, what was observed
//!                        <-------reply---------
//! ```

pub(crate) mod capabilities;
pub(crate) mod changes;
mod listeners;
mod observer;
mod placement;
mod restore;
mod snapshot;
mod start;
mod threads;
pub(crate) mod tracee;
mod tracer;

use crate::error::{Error, Reason, Result, Step, Trouble};
use crate::files::Private;
use crate::report::{RestoreReport, SnapshotInfo, Stopwatch};
use crate::strategy::Strategy;
use crate::syscalls::programs::Numbers;
use crate::trace::process::Process;
use crate::trace::registers;
use changes::Changes;
use observer::Watch;
use placement::Placement;
use snapshot::Snapshot;
use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tracee::UsedConnections;

/// How long a process may take to be stopped and reverted before it is killed.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much longer, for each page of its memory, where all of that is gone through: ten seconds for a GiB, some ten times
/// what that takes.
const PATIENCE_BY_PAGE: Duration = Duration::from_micros(38);

/// How the process was started, as far as its snapshots and restores go by it.
#[derive(Debug, Default)]
struct Terms {
    /// Calls that change the layout or close descriptors are to be seen, from the snapshot on.
    watches_frequent: bool,
    /// What becomes of connections of the snapshot that a request used.
    connections: UsedConnections,
    /// How many seccomp programs bound the process when it started: ours, and those of the container.
    filters_at_start: u32,
    /// The user that it was made to be.
    ids: Option<(u32, u32)>,
}

/// What its seccomp programs see.
#[derive(Debug, Default)]
struct Sight {
    /// The programs of the policy are installed.
    calls: bool,
    /// So many of them.
    programs: u32,
    /// They see calls that change the layout or close descriptors, too.
    frequent: bool,
    /// The descriptors that they know.
    numbers: Numbers,
}

/// A traced process, its snapshot, and what was observed of it since. Known to its tracer thread only.
pub(crate) struct Session {
    process: Process,
    watch: Rc<RefCell<Watch>>,
    terms: Terms,
    sight: Sight,
    /// The folders in which it may write, if it is in a jail.
    private: Rc<Vec<Private>>,
    /// Who is asked about its sockets, if its network is not ours.
    sock_diag: Option<OwnedFd>,
    strategy: Strategy,
    snapshot: Option<Snapshot>,
    /// Pipes of ours that are emptied while everything is stopped.
    drain: Vec<OwnedFd>,
    placement: Placement,
}

impl Session {
    /// How the process ended, in words, if it has.
    fn ending(&self) -> Option<String> {
        self.process.ending_text()
    }

    fn exited(&self) -> Error {
        Error::Exited { pid: self.process.pid, how: self.ending().unwrap_or_else(|| "ending".to_owned()) }
    }

    /// Gives up following the memory of the process.
    fn forget_snapshot(&mut self) {
        // Else they would pass for files that we share with the process.
        self.watch.borrow_mut().facts.originals.clear();
        self.process.hold_no_more();
        if let Some(mut snapshot) = self.snapshot.take() {
            snapshot.memory.tracker.end(&self.process);
        }
    }

    /// Kills the process, or lets go one that was attached to.
    fn close(&mut self) {
        if self.process.spawned {
            self.process.kill();
        } else {
            self.process.set_time_limit(Some(PATIENCE));
            self.forget_snapshot();
            self.process.detach();
        }
    }

    /// What goes wrong with a process that is killed meanwhile has that one reason; and that is ours, where it is out of
    /// time: it does not outlive a call of ours that it was left in.
    fn judge(&self, trouble: Trouble) -> Trouble {
        if !self.process.is_dying() {
            return trouble;
        }
        self.process.in_time().err().unwrap_or(Trouble::Exited)
    }

    /// Resumes a process that was stopped to be looked at, as if it had not been.
    fn let_go(&mut self) -> Step<()> {
        if !self.process.is_dying() {
            registers::undisturb(&self.process)?;
        }
        self.process.resume()
    }

    fn take_snapshot(&mut self) -> Result<SnapshotInfo> {
        if self.process.ending().is_some() {
            return Err(self.exited());
        }
        let former = self.snapshot.as_ref().map(|former| former.anchor);
        let ended = former.map_or(Ok(()), |anchor| threads::end_held(&mut self.process, anchor));
        let taken = ended.and_then(|()| {
            self.forget_snapshot();
            self.snapshot()
        });
        let taken = taken.map_err(|trouble| self.judge(trouble));
        let late = self.process.in_time().is_err();
        let resumed = self.let_go();
        match taken.and_then(|taken| resumed.map(|()| taken)) {
            Ok((snapshot, info)) => {
                self.snapshot = Some(snapshot);
                Ok(info)
            }
            Err(Trouble::Exited) => {
                self.process.kill();
                Err(self.exited())
            }
            Err(Trouble::Refused(reason, mut message)) => {
                if late && reason == Reason::Stopped && (self.process.spawned || self.process.is_dying()) {
                    self.process.kill();
                    message.push_str(", and was killed");
                }
                Err(Error::SnapshotRefused { pid: self.process.pid, reason, message })
            }
        }
    }

    fn restore(&mut self, and_verify: bool, sent: Instant) -> Result<RestoreReport> {
        let mut watch = Stopwatch::since(sent);
        let pid = self.process.pid;
        if self.process.ending().is_some() {
            return Err(self.exited());
        }
        if self.snapshot.is_none() {
            let message = "there is no snapshot to restore; call snapshot() first";
            return Err(Error::Misuse { pid, message });
        }
        let reverted = self
            .revert(and_verify, &mut watch)
            .and_then(|report| self.process.resume().map(|()| report))
            .map_err(|trouble| self.judge(trouble));
        match reverted {
            Ok(mut report) => {
                watch.lap(&mut report.phases, "resume");
                report.duration = watch.total();
                Ok(report)
            }
            Err(trouble) => {
                // Not certain: not served.
                self.process.kill();
                Err(match trouble {
                    Trouble::Exited => self.exited(),
                    Trouble::Refused(Reason::Mismatch, difference) => Error::Mismatch { pid, difference },
                    Trouble::Refused(reason, message) => Error::RestoreRefused { pid, reason, message },
                })
            }
        }
    }

    fn verify(&mut self) -> Result<()> {
        match self.look(|process, snapshot| snapshot.difference_since(process))? {
            None => Ok(()),
            Some(difference) => Err(Error::Mismatch { pid: self.process.pid, difference }),
        }
    }

    fn changes(&mut self) -> Result<Changes> {
        self.look(|process, snapshot| changes::look(process, &mut snapshot.memory))
    }

    /// Stops the process, has it looked at beside its snapshot, and lets it go on.
    fn look<T>(&mut self, look: impl FnOnce(&mut Process, &mut Snapshot) -> Step<T>) -> Result<T> {
        let pid = self.process.pid;
        if self.process.ending().is_some() {
            return Err(self.exited());
        }
        let Some(snapshot) = &mut self.snapshot else {
            return Err(Error::Misuse {
                pid,
                message: "there is no snapshot to compare with; call snapshot() first",
            });
        };
        let process = &mut self.process;
        let found = process.stop(false).and_then(|_| look(process, snapshot));
        let found = found.map_err(|trouble| self.judge(trouble));
        let resumed = self.let_go();
        match found.and_then(|found| resumed.map(|()| found)) {
            Ok(found) => Ok(found),
            Err(Trouble::Exited) => {
                self.process.kill();
                Err(self.exited())
            }
            Err(Trouble::Refused(Reason::Stopped, _)) if self.process.is_dying() => {
                self.process.kill();
                Err(self.exited())
            }
            Err(Trouble::Refused(reason, message)) => Err(Error::Mismatch {
                pid,
                difference: format!("it cannot be inspected ({}): {message}", reason.code()),
            }),
        }
    }
}
