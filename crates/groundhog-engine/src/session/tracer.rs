//! The thread that traces one process, from its first instruction to its last.
//!
//! It sleeps in `waitid`; whoever sends it a command rings the [`doorbell`](crate::trace::doorbell). It is woken now and
//! then without one: an event of the process that another thread of this program has taken is never told again.

use super::Session;
use crate::descriptors::anonymous_inode;
use crate::error::Result;
use crate::report::{RestoreReport, SnapshotInfo};
use crate::session::changes::Changes;
use crate::trace::registers;
use groundhog_sys::tick::Tick;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

/// Who waits for a result, and for how long.
pub(super) struct Answer<T> {
    pub(super) give: Box<dyn FnOnce(Result<T>) + Send>,
    pub(super) within: Duration,
}

/// What a tracer can be told.
pub(super) enum Command {
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
pub(super) struct Tracer {
    session: Session,
    tick: Tick,
    /// Says how the process ended, once.
    on_end: Box<dyn FnMut(String) + Send>,
}

impl Tracer {
    /// A tracer of a process that the calling thread has seized.
    pub(super) fn new(session: Session, tick: Tick, on_end: Box<dyn FnMut(String) + Send>) -> Self {
        Self { session, tick, on_end }
    }

    /// Follows the process and obeys commands until told to close.
    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        loop {
            match commands.try_recv() {
                Ok(Command::Close) | Err(TryRecvError::Disconnected) => {
                    self.session.close();
                    return self.tell_end();
                }
                Ok(command) => self.obey(command),
                Err(TryRecvError::Empty) => {
                    // Only now: what the doorbell stopped is still stopped when its command comes. What it stopped for
                    // a command that was obeyed before it rang goes on as if it had not been stopped.
                    let process = &mut self.session.process;
                    let _dying = registers::undisturb(process);
                    let waited = process.release().and_then(|()| process.follow());
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
        if let Some(ending) = self.session.ending() {
            // It cannot be replaced with the process.
            let _shows = anonymous_inode::put_back();
            (self.on_end)(ending);
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Snapshot(answer) => self.answer(answer, Session::take_snapshot),
            Command::Restore { verify, sent, answer } => {
                self.answer(answer, |session| session.restore(verify, sent));
            }
            Command::Verify(answer) => self.answer(answer, Session::verify),
            Command::Changes(answer) => self.answer(answer, Session::changes),
            Command::Close => {}
        }
    }

    /// Does what was asked for, within its time. How the process ended is known before it is answered that it did.
    fn answer<T>(&mut self, answer: Answer<T>, ask: impl FnOnce(&mut Session) -> Result<T>) {
        self.session.process.set_time_limit(Some(answer.within));
        let result = ask(&mut self.session);
        self.session.process.set_time_limit(None);
        self.tell_end();
        (answer.give)(result);
        // Woken in the middle of a short request, the thread would be moved to another processor than the function's, stay there, and
        // copy all that it restores from one cache to the other.
        let _ticks_in_any_case = self.tick.restart();
    }
}
