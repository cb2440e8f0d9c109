//! The handle of a traced process, usable from any thread.

use super::capabilities::{Reach, capabilities};
use super::listeners;
use super::start::{self, Started};
use super::tracer::{Answer, Command, Tracer};
use super::{PATIENCE, PATIENCE_BY_PAGE, Session};
use crate::error::{Error, Reason, Result};
use crate::files::jail::JailOptions;
use crate::report::{RestoreReport, SnapshotInfo};
use crate::session::changes::Changes;
use crate::strategy::Strategy;
use crate::trace::doorbell::Doorbell;
use groundhog_proc::stat;
use groundhog_sys::tick::Tick;
use groundhog_sys::{Errno, Tid, fcntl, pidfd, signals};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long after a command, and then how often, a tracer looks for what it may have missed.
const TICK: Duration = Duration::from_millis(200);
/// How long the tracer of a process that was killed, or let go, may take to end.
const CLOSED_WITHIN: Duration = Duration::from_secs(15);

/// What to start.
#[derive(Debug, Default)]
pub struct SpawnOptions {
    /// The program, looked up along `PATH`, and its arguments.
    pub argv: Vec<std::ffi::OsString>,
    /// Its whole environment; none: ours.
    pub env: Option<Vec<(std::ffi::OsString, std::ffi::OsString)>>,
    /// Its working directory; none: ours.
    pub cwd: Option<PathBuf>,
    /// Its descriptors (number there, number here); none: our first three.
    pub fds: Option<Vec<(i32, i32)>>,
    /// Pipes of ours that are emptied while everything is stopped.
    pub drain: Vec<OwnedFd>,
    /// How to follow writes; none: the best that works here.
    pub strategy: Option<Strategy>,
    /// Do not have the kernel tell of every call that changes the layout or closes a descriptor; restores look for themselves then.
    /// For functions that make many such calls a request, or whose children do: each costs them a stop.
    pub unwatched: bool,
    /// Where it may write; none: as we may.
    pub jail: Option<JailOptions>,
    /// Without a jail: trusted not to undo how writes are followed (see [`Reach`]), for tests and benchmarks.
    pub trusted: bool,
    /// Most threads and descendants that it may have at a time, else all of it is killed; none: as many as the kernel lets it.
    pub most_tasks: Option<usize>,
    /// User and group that it becomes; none: as we are. Only root can do that.
    pub ids: Option<(u32, u32)>,
    /// What becomes of connections of the snapshot that a request used.
    pub connections: UsedConnections,
    /// Where it listens by TCP, nobody is let in but from these addresses and ports, which are the caller's for as long as the process
    /// lives: one of each version of the protocol. None: everybody is.
    pub admitted: Vec<SocketAddr>,
}

/// What becomes of connections of the snapshot that a request used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UsedConnections {
    /// They are shut down, but for those of which this process has the other ends: it speaks with the program by them.
    #[default]
    Shut,
    /// Those are, too: this process may be a server of the program's.
    AllShut,
    /// All but those that came to this port of this process: it speaks with the program by them, and may be a server of it at others.
    ShutButAt(u16),
    /// They stay open and are only emptied: an answer that comes later than the restore reaches the next request.
    Kept,
}

/// A traced process. Dropping the handle kills a process that was spawned, and lets go one that was attached to.
#[derive(Debug)]
pub struct Tracee {
    pid: Tid,
    pidfd: Arc<OwnedFd>,
    doorbell: Arc<Doorbell>,
    strategy: Strategy,
    commands: Mutex<Sender<Command>>,
    tracer: Mutex<Option<(JoinHandle<()>, Receiver<()>)>>,
    spawned: bool,
    /// Readable when a restore that was only started has ended.
    done: Arc<OwnedFd>,
    started: Mutex<Option<(Receiver<Result<RestoreReport>>, Duration)>>,
    ending: Arc<OnceLock<String>>,
    /// The process whose thread the tracer is. A fork of it has a copy of this handle, which reaches nobody.
    owner: u32,
    callers: Mutex<Vec<OwnedFd>>,
}

/// What the tracer thread says when it has its process.
type Birth = Result<(Tid, Arc<OwnedFd>, Arc<Doorbell>, Vec<OwnedFd>)>;

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tracee {
    /// Starts a program and traces it from before its first instruction.
    ///
    /// # Errors
    /// [`Error::Spawn`] when it cannot be started, [`Error::Unsupported`] when the strategy does not work here,
    /// [`Error::Undone`] when the process could undo it.
    pub fn spawn(mut options: SpawnOptions) -> Result<Self> {
        let reach = Reach::of(options.jail.is_some(), options.trusted);
        let strategy = capabilities().choose(options.strategy, reach)?;
        let drain = std::mem::take(&mut options.drain);
        let birth = start::prepare(options)?;
        Self::start(strategy, true, drain, move || birth.give())
    }

    /// Traces a process that runs already.
    ///
    /// # Errors
    /// [`Error::Attach`] when it may not be traced, [`Error::Unsupported`] when the strategy does not work here,
    /// [`Error::Undone`] when the process could undo it, unless it is `trusted`.
    pub fn attach(pid: i32, strategy: Option<Strategy>, trusted: bool) -> Result<Self> {
        let strategy = capabilities().choose(strategy, Reach::of(false, trusted))?;
        Self::start(strategy, false, Vec::new(), move || start::seize_all(Tid(pid)))
    }

    /// Starts the tracer thread; `begin` runs in it and gets hold of the process.
    fn start(
        strategy: Strategy,
        spawned: bool,
        drain: Vec<OwnedFd>,
        begin: impl FnOnce() -> Result<Started> + Send + 'static,
    ) -> Result<Self> {
        let nowhere = |errno| Error::System { pid: Tid(0), what: "preparing a tracer", errno };
        let done = Arc::new(fcntl::eventfd().map_err(nowhere)?);
        let ending = Arc::new(OnceLock::new());
        let (commands, received) = mpsc::channel();
        let (born, birth) = mpsc::channel::<Birth>();
        let on_end = {
            let ending = Arc::clone(&ending);
            Box::new(move |how| drop(ending.set(how)))
        };
        let (ended, end) = mpsc::channel::<()>();
        let body = move || {
            let _told_when_dropped = ended;
            signals::block_all();
            let begun = Tick::start(TICK).map_err(nowhere).and_then(|tick| Ok((begin()?, tick)));
            match begun {
                Err(error) => drop(born.send(Err(error))),
                Ok((mut started, tick)) => {
                    let callers = started.take_callers().unwrap_or_default();
                    let process = &started.process;
                    let doorbell = Arc::clone(&process.doorbell);
                    let told = (process.pid, Arc::clone(&process.pidfd), doorbell, callers);
                    let _nobody_listens = born.send(Ok(told));
                    Tracer::new(Session::new(started, strategy, drain), tick, on_end).run(&received);
                }
            }
        };
        let thread = std::thread::Builder::new().name("groundhog-tracer".into()).spawn(body);
        let thread = thread.map_err(|error| nowhere(Errno(error.raw_os_error().unwrap_or(0))))?;
        let gone = || Error::Misuse { pid: Tid(0), message: "its tracer ended unexpectedly" };
        let (pid, pidfd, doorbell, callers) = birth.recv().map_err(|_| gone())??;
        Ok(Self {
            pid,
            pidfd,
            doorbell,
            strategy,
            commands: Mutex::new(commands),
            tracer: Mutex::new(Some((thread, end))),
            spawned,
            done,
            started: Mutex::new(None),
            ending,
            owner: std::process::id(),
            callers: Mutex::new(callers),
        })
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.0
    }

    /// How writes are followed.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// How the process ended; `None` while it lives.
    #[must_use]
    pub fn ending(&self) -> Option<String> {
        self.ending.get().cloned()
    }

    /// A descriptor that is readable when a started restore has ended.
    #[must_use]
    pub fn done_fd(&self) -> &OwnedFd {
        &self.done
    }

    /// A descriptor that is readable when the process has ended.
    #[must_use]
    pub fn exit_fd(&self) -> &OwnedFd {
        &self.pidfd
    }

    fn is_forked(&self) -> bool {
        self.owner != std::process::id()
    }

    fn send(&self, command: Command) -> Result<()> {
        if self.is_forked() {
            let message = "its handle is a copy made by fork(), and its tracer is in the parent: start another process here";
            return Err(Error::Misuse { pid: self.pid, message });
        }
        let closed = Error::Misuse { pid: self.pid, message: "its handle is closed" };
        lock(&self.commands).send(command).map_err(|_| closed)?;
        self.doorbell.ring();
        Ok(())
    }

    /// `within`: the time that the tracer has for it.
    fn ask<T: Send + 'static>(
        &self,
        within: Duration,
        command: impl FnOnce(Answer<T>) -> Command,
    ) -> Result<T> {
        let (answer, answered) = mpsc::channel();
        self.send(command(Answer { give: Box::new(move |result| drop(answer.send(result))), within }))?;
        self.wait_for(&answered, within)
    }

    /// How long a restore may take.
    fn patience(&self, verify: bool) -> Duration {
        if verify { self.patience_with_all() } else { PATIENCE }
    }

    /// How long it may take to go through all of its memory.
    fn patience_with_all(&self) -> Duration {
        let resident = std::fs::read(format!("/proc/{}/stat", self.pid)).ok();
        let resident = resident.and_then(|text| stat::parse(&text).ok()).map_or(0, |stat| stat.rss);
        PATIENCE + PATIENCE_BY_PAGE * u32::try_from(resident).unwrap_or(0)
    }

    /// Waits for an answer, and kills a process that keeps it from coming.
    fn wait_for<T>(&self, answered: &Receiver<Result<T>>, within: Duration) -> Result<T> {
        let closed = Error::Misuse { pid: self.pid, message: "its handle is closed" };
        // The tracer keeps the time limit itself; this is for one that does not come round to it.
        match answered.recv_timeout(within + PATIENCE / 2) {
            Ok(result) => result,
            Err(RecvTimeoutError::Disconnected) => Err(closed),
            Err(RecvTimeoutError::Timeout) => {
                self.kill();
                let _late = answered.recv_timeout(PATIENCE);
                let message = format!("it could not be stopped within {} s", within.as_secs());
                Err(Error::RestoreRefused { pid: self.pid, reason: Reason::Stopped, message })
            }
        }
    }

    /// Takes the snapshot that restores go back to, in place of an earlier one.
    ///
    /// # Errors
    /// [`Error::SnapshotRefused`] when the process could not be restored later: it runs on. If ten seconds were not enough to tell, and ten more for each GiB of its memory, it was killed.
    pub fn snapshot(&self) -> Result<SnapshotInfo> {
        self.ask(self.patience_with_all(), Command::Snapshot)
    }

    /// Reverts the process to its snapshot; `verify` compares everything before it runs on.
    ///
    /// # Errors
    /// [`Error::RestoreRefused`], [`Error::Mismatch`] or [`Error::Exited`]: the process is dead then.
    pub fn restore(&self, verify: bool) -> Result<RestoreReport> {
        self.ask(self.patience(verify), |answer| Command::Restore { verify, sent: Instant::now(), answer })
    }

    /// Begins a restore; [`Self::done_fd`] becomes readable when [`Self::finish_restore`] has its result.
    ///
    /// # Errors
    /// [`Error::Misuse`] when one is under way or the handle is closed.
    pub fn start_restore(&self, verify: bool) -> Result<()> {
        let mut started = lock(&self.started);
        if started.is_some() {
            return Err(Error::Misuse { pid: self.pid, message: "a restore is under way already" });
        }
        let (sender, receiver) = mpsc::channel();
        let done = Arc::clone(&self.done);
        let give = Box::new(move |result| {
            let _nobody_listens = sender.send(result);
            let _full_is_readable_too = fcntl::signal_eventfd(&*done);
        });
        let within = self.patience(verify);
        *started = Some((receiver, within));
        drop(started);
        let answer = Answer { give, within };
        let sent = self.send(Command::Restore { verify, sent: Instant::now(), answer });
        if sent.is_err() {
            *lock(&self.started) = None;
        }
        sent
    }

    /// The result of a started restore; waits for it if need be.
    ///
    /// # Errors
    /// As [`Self::restore`]; [`Error::Misuse`] when none was started.
    pub fn finish_restore(&self) -> Result<RestoreReport> {
        let started = lock(&self.started).take();
        let Some((receiver, within)) = started else {
            return Err(Error::Misuse { pid: self.pid, message: "no restore was started" });
        };
        let result = self.wait_for(&receiver, within);
        fcntl::clear_eventfd(&*self.done);
        result
    }

    /// Compares the process with its snapshot.
    ///
    /// # Errors
    /// [`Error::Mismatch`] names the first difference.
    pub fn verify(&self) -> Result<()> {
        self.ask(self.patience_with_all(), Command::Verify)
    }

    /// What the process has changed since its snapshot, by mapping; nothing is put back.
    ///
    /// # Errors
    /// [`Error::Mismatch`] when it cannot be inspected, [`Error::Exited`] when it has ended.
    pub fn changes(&self) -> Result<Changes> {
        self.ask(self.patience_with_all(), Command::Changes)
    }

    /// Where the process listens for connections by TCP, as it runs.
    ///
    /// # Errors
    /// [`Error::System`] when it cannot be looked at, such as when it has ended.
    pub fn listeners(&self) -> Result<Vec<SocketAddr>> {
        listeners::addresses(self.pid, &self.pidfd)
    }

    /// What one needs to speak with what listens in the process's network, where that is its own: a socket of `sock_diag(7)`, and one of each
    /// version of the Internet protocol, from which connections are admitted. Given once; empty where it has the machine's network.
    pub fn take_callers(&self) -> Vec<OwnedFd> {
        std::mem::take(&mut lock(&self.callers))
    }

    /// Kills the process at once; its descendants follow.
    pub fn kill(&self) {
        let _ended = pidfd::kill(&*self.pidfd);
    }

    /// Kills a spawned process (lets go an attached one) and waits until nothing of it is left, at most for some seconds: then
    /// it is left to the kernel, which kills it when this program ends.
    ///
    /// In a fork of the program that has started it, nothing is done: the process is the parent's.
    pub fn close(&self) {
        if self.is_forked() {
            return;
        }
        let tracer = lock(&self.tracer).take();
        if let Some((thread, end)) = tracer {
            if self.spawned {
                self.kill();
            }
            let _ended = self.send(Command::Close);
            if matches!(end.recv_timeout(CLOSED_WITHIN), Err(RecvTimeoutError::Disconnected)) {
                let _panicked = thread.join();
            }
            if !self.spawned {
                let _ended = pidfd::take_back_ring(&*self.pidfd);
            }
        }
    }
}

impl Drop for Tracee {
    fn drop(&mut self) {
        self.close();
    }
}
