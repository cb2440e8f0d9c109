//! The thread that traces one process, from its first instruction to its last.
//!
//! It sleeps in `waitid`; whoever sends it a command rings the [`doorbell`](crate::trace::doorbell).

use crate::error::{Error, Reason, Result, Step, Trouble};
use crate::report::{RestoreReport, SnapshotInfo, Stopwatch};
use crate::session::changes::{self, Changes};
use crate::session::snapshot::{self, Snapshot};
use crate::session::{restore, verify};
use crate::strategy::Strategy;
use crate::trace::process::Process;
use crate::trace::registers;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Instant;

/// Where an answer goes.
pub(crate) type Answer<T> = Box<dyn FnOnce(Result<T>) + Send>;

/// What a tracer can be told.
pub(crate) enum Command {
    Snapshot(Answer<SnapshotInfo>),
    /// `sent`: when, so that the report counts from there.
    Restore {
        verify: bool,
        sent: Instant,
        answer: Answer<RestoreReport>,
    },
    Verify(Answer<()>),
    Changes(Answer<Changes>),
    /// Kill (or let go) the process and end.
    Close,
}

/// The state of the thread.
pub(crate) struct Tracer {
    process: Process,
    strategy: Strategy,
    snapshot: Option<Snapshot>,
    drain: Vec<OwnedFd>,
    /// Says how the process ended, once.
    on_end: Box<dyn FnMut(String) + Send>,
}

impl Tracer {
    /// A tracer of a process that the calling thread has seized.
    pub(crate) fn new(
        process: Process,
        strategy: Strategy,
        drain: Vec<OwnedFd>,
        on_end: Box<dyn FnMut(String) + Send>,
    ) -> Self {
        Self { process, strategy, snapshot: None, drain, on_end }
    }

    /// Follows the process and obeys commands until told to close.
    pub(crate) fn run(mut self, commands: &Receiver<Command>) {
        loop {
            match commands.try_recv() {
                Ok(Command::Close) | Err(TryRecvError::Disconnected) => return self.close(),
                Ok(command) => self.obey(command),
                Err(TryRecvError::Empty) => {
                    // Only now: what the doorbell stopped is still stopped when its command comes. What it stopped for
                    // a command that was obeyed before it rang goes on as if it had not been stopped.
                    let _dying = registers::undisturb(&self.process);
                    let waited = self.process.release().and_then(|()| self.process.follow());
                    if waited.is_err() {
                        break;
                    }
                    self.tell_end();
                }
            }
        }
        self.tell_end();
        // Nothing is left to be followed: only answers.
        while let Ok(command) = commands.recv() {
            match command {
                Command::Close => return,
                command => self.obey(command),
            }
        }
    }

    fn tell_end(&mut self) {
        if let Some(ending) = self.process.ending_text() {
            (self.on_end)(ending);
        }
    }

    fn close(&mut self) {
        if self.process.spawned {
            self.process.kill();
        } else {
            self.forget_snapshot();
            self.process.detach();
        }
        self.tell_end();
    }

    fn exited(&self) -> Error {
        let how = self.process.ending_text().unwrap_or_else(|| "ending".to_owned());
        Error::Exited { pid: self.process.pid, how }
    }

    /// Gives up following the memory of the process.
    fn forget_snapshot(&mut self) {
        // Else they would pass for files that we share with the process.
        self.process.watch.originals.clear();
        if let Some(mut snapshot) = self.snapshot.take() {
            snapshot.tracker.end(&self.process);
        }
    }

    /// What goes wrong with a process that is killed meanwhile has that one reason.
    fn judge(&self, trouble: Trouble) -> Trouble {
        if self.process.is_dying() { Trouble::Exited } else { trouble }
    }

    /// Resumes a process that was stopped to be looked at, as if it had not been.
    fn let_go(&mut self) -> Step<()> {
        if !self.process.is_dying() {
            registers::undisturb(&self.process)?;
        }
        self.process.resume()
    }

    fn obey(&mut self, command: Command) {
        // How the process ended is known before it is answered that it did.
        match command {
            Command::Snapshot(answer) => {
                let result = self.take_snapshot();
                self.tell_end();
                answer(result);
            }
            Command::Restore { verify, sent, answer } => {
                let result = self.restore(verify, sent);
                self.tell_end();
                answer(result);
            }
            Command::Verify(answer) => {
                let result = self.verify();
                self.tell_end();
                answer(result);
            }
            Command::Changes(answer) => {
                let result = self.look(|process, snapshot| changes::look(process, snapshot));
                self.tell_end();
                answer(result);
            }
            Command::Close => {}
        }
    }

    fn take_snapshot(&mut self) -> Result<SnapshotInfo> {
        if self.process.ending().is_some() {
            return Err(self.exited());
        }
        self.forget_snapshot();
        let taken = snapshot::take(&mut self.process, self.strategy).map_err(|trouble| self.judge(trouble));
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
            Err(Trouble::Refused(reason, message)) => {
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
        let Some(snapshot) = &mut self.snapshot else {
            return Err(Error::Misuse {
                pid,
                message: "there is no snapshot to restore; call snapshot() first",
            });
        };
        let reverted = restore::revert(&mut self.process, snapshot, &self.drain, and_verify, &mut watch)
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
        match self.look(verify::difference)? {
            None => Ok(()),
            Some(difference) => Err(Error::Mismatch { pid: self.process.pid, difference }),
        }
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
            Err(Trouble::Refused(reason, message)) => Err(Error::Mismatch {
                pid,
                difference: format!("it cannot be inspected ({}): {message}", reason.code()),
            }),
        }
    }
}
