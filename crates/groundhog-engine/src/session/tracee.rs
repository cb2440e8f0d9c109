//! The handle of a traced process, usable from any thread.

use crate::error::{Error, Reason, Result};
use crate::files::jail::{self, JailOptions, Means, Prepared};
use crate::report::{RestoreReport, SnapshotInfo};
use crate::session::capabilities::{Reach, capabilities};
use crate::session::changes::Changes;
use crate::session::tracer::{Answer, Command, Tracer};
use crate::strategy::Strategy;
use crate::syscalls::filter;
use crate::trace::doorbell::Doorbell;
use crate::trace::process::Process;
use groundhog_sys::spawn::{self, Step};
use groundhog_sys::{Errno, Tid, fcntl, pidfd, ptrace, signals};
use std::collections::BTreeSet;
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a process may take to be stopped and reverted before it is killed.
const PATIENCE: Duration = Duration::from_secs(10);

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
    /// Do not have the kernel tell of every call that changes the layout; restores look for themselves then. For
    /// functions that make many such calls a request, each of which costs them a stop.
    pub unwatched: bool,
    /// Where it may write; none: as we may.
    pub jail: Option<JailOptions>,
    /// Without a jail: trusted not to undo how writes are followed (see [`Reach`]), for tests and benchmarks.
    pub trusted: bool,
    /// Most threads and descendants that it may have at a time, else all of it is killed; none: as many as the kernel lets it.
    pub most_tasks: Option<usize>,
    /// User and group that it becomes; none: as we are. Only root can do that.
    pub ids: Option<(u32, u32)>,
    /// Leave connections of the snapshot open that a request used, and only empty them: an answer that comes later than
    /// the restore reaches the next request.
    pub keep_connections: bool,
}

/// A traced process. Dropping the handle kills a process that was spawned, and lets go one that was attached to.
#[derive(Debug)]
pub struct Tracee {
    pid: Tid,
    pidfd: Arc<OwnedFd>,
    doorbell: Arc<Doorbell>,
    strategy: Strategy,
    commands: Mutex<Sender<Command>>,
    tracer: Mutex<Option<JoinHandle<()>>>,
    spawned: bool,
    /// Readable when a restore that was only started has ended.
    done: Arc<OwnedFd>,
    started: Mutex<Option<Receiver<Result<RestoreReport>>>>,
    ending: Arc<OnceLock<String>>,
}

/// What the tracer thread says when it has its process.
type Birth = Result<(Tid, Arc<OwnedFd>, Arc<Doorbell>)>;

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
        let (watch, keep_connections) = (!options.unwatched, options.keep_connections);
        let most_tasks = options.most_tasks.unwrap_or(usize::MAX);
        let prepared = jail::prepare(options.jail.as_ref(), options.ids)?;
        let (name, command) = prepare(options)?;
        Self::start(strategy, true, drain, move || {
            let mut process = give_birth(command, prepared, &name)?;
            process.watch.wanted = watch;
            process.most_tasks = most_tasks;
            process.keep_connections = keep_connections;
            // What it inherits of this thread and what we give it. Not asked of itself: it runs by now, and may have
            // installed one of its own.
            process.watch.filters_at_start =
                filters_of_this_thread().map_or(0, |ours| ours + process.watch.filters_at_start);
            Ok(process)
        })
    }

    /// Traces a process that runs already.
    ///
    /// # Errors
    /// [`Error::Attach`] when it may not be traced, [`Error::Unsupported`] when the strategy does not work here,
    /// [`Error::Undone`] when the process could undo it, unless it is `trusted`.
    pub fn attach(pid: i32, strategy: Option<Strategy>, trusted: bool) -> Result<Self> {
        let strategy = capabilities().choose(strategy, Reach::of(false, trusted))?;
        Self::start(strategy, false, Vec::new(), move || seize_all(Tid(pid)))
    }

    /// Starts the tracer thread; `begin` runs in it and gets hold of the process.
    fn start(
        strategy: Strategy,
        spawned: bool,
        drain: Vec<OwnedFd>,
        begin: impl FnOnce() -> Result<Process> + Send + 'static,
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
        let body = move || {
            signals::block_all();
            match begin() {
                Err(error) => drop(born.send(Err(error))),
                Ok(process) => {
                    let _nobody_listens = born.send(Ok((
                        process.pid,
                        Arc::clone(&process.pidfd),
                        Arc::clone(&process.doorbell),
                    )));
                    Tracer::new(process, strategy, drain, on_end).run(&received);
                }
            }
        };
        let thread = std::thread::Builder::new().name("groundhog-tracer".into()).spawn(body);
        let thread = thread.map_err(|error| nowhere(Errno(error.raw_os_error().unwrap_or(0))))?;
        let gone = || Error::Misuse { pid: Tid(0), message: "its tracer ended unexpectedly" };
        let (pid, pidfd, doorbell) = birth.recv().map_err(|_| gone())??;
        Ok(Self {
            pid,
            pidfd,
            doorbell,
            strategy,
            commands: Mutex::new(commands),
            tracer: Mutex::new(Some(thread)),
            spawned,
            done,
            started: Mutex::new(None),
            ending,
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

    fn send(&self, command: Command) -> Result<()> {
        let closed = Error::Misuse { pid: self.pid, message: "its handle is closed" };
        lock(&self.commands).send(command).map_err(|_| closed)?;
        self.doorbell.ring();
        Ok(())
    }

    fn ask<T: Send + 'static>(&self, command: impl FnOnce(Answer<T>) -> Command) -> Result<T> {
        let (answer, answered) = mpsc::channel();
        self.send(command(Box::new(move |result| drop(answer.send(result)))))?;
        self.wait_for(&answered)
    }

    /// Waits for an answer, and kills a process that keeps it from coming.
    fn wait_for<T>(&self, answered: &Receiver<Result<T>>) -> Result<T> {
        let closed = Error::Misuse { pid: self.pid, message: "its handle is closed" };
        match answered.recv_timeout(PATIENCE) {
            Ok(result) => result,
            Err(RecvTimeoutError::Disconnected) => Err(closed),
            Err(RecvTimeoutError::Timeout) => {
                self.kill();
                let _late = answered.recv();
                let message = format!("it could not be stopped within {} s", PATIENCE.as_secs());
                Err(Error::RestoreRefused { pid: self.pid, reason: Reason::Stopped, message })
            }
        }
    }

    /// Takes the snapshot that restores go back to, in place of an earlier one.
    ///
    /// # Errors
    /// [`Error::SnapshotRefused`] when the process could not be restored later; it runs on.
    pub fn snapshot(&self) -> Result<SnapshotInfo> {
        self.ask(Command::Snapshot)
    }

    /// Reverts the process to its snapshot; `verify` compares everything before it runs on.
    ///
    /// # Errors
    /// [`Error::RestoreRefused`], [`Error::Mismatch`] or [`Error::Exited`]: the process is dead then.
    pub fn restore(&self, verify: bool) -> Result<RestoreReport> {
        self.ask(|answer| Command::Restore { verify, sent: Instant::now(), answer })
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
        let answer = Box::new(move |result| {
            let _nobody_listens = sender.send(result);
            let _full_is_readable_too = fcntl::signal_eventfd(&*done);
        });
        *started = Some(receiver);
        drop(started);
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
        let Some(receiver) = started else {
            return Err(Error::Misuse { pid: self.pid, message: "no restore was started" });
        };
        let result = self.wait_for(&receiver);
        fcntl::clear_eventfd(&*self.done);
        result
    }

    /// Compares the process with its snapshot.
    ///
    /// # Errors
    /// [`Error::Mismatch`] names the first difference.
    pub fn verify(&self) -> Result<()> {
        self.ask(Command::Verify)
    }

    /// What the process has changed since its snapshot, by mapping; nothing is put back.
    ///
    /// # Errors
    /// [`Error::Mismatch`] when it cannot be inspected, [`Error::Exited`] when it has ended.
    pub fn changes(&self) -> Result<Changes> {
        self.ask(Command::Changes)
    }

    /// Kills the process at once; its descendants follow.
    pub fn kill(&self) {
        let _ended = pidfd::kill(&*self.pidfd);
    }

    /// Kills a spawned process (lets go an attached one) and waits until nothing of it is left.
    pub fn close(&self) {
        let thread = lock(&self.tracer).take();
        if let Some(thread) = thread {
            if self.spawned {
                self.kill();
            }
            let _ended = self.send(Command::Close);
            let _panicked = thread.join();
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

/// How many seccomp filters bind the calling thread, on kernels that tell.
fn filters_of_this_thread() -> Option<u32> {
    let text = std::fs::read("/proc/thread-self/status").ok()?;
    groundhog_proc::status::parse(&text).ok()?.seccomp_filters
}

fn prepare(options: SpawnOptions) -> Result<(String, spawn::Command)> {
    let name = options.argv.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let refuse = |what, errno| Error::Spawn { program: name.clone(), what, errno: Errno(errno) };
    let text = |bytes: &std::ffi::OsStr| CString::new(bytes.as_bytes()).map_err(|_| refuse("a NUL byte", 22));
    let argv = options.argv.iter().map(|word| text(word)).collect::<Result<Vec<_>>>()?;
    let env: Vec<_> = options.env.unwrap_or_else(|| std::env::vars_os().collect());
    let search =
        env.iter().find(|(name, _)| name == "PATH").map(|(_, path)| path.to_string_lossy().into_owned());
    let search = search.or_else(|| std::env::var("PATH").ok()).unwrap_or_else(|| "/usr/bin:/bin".into());
    let first = argv.first().ok_or_else(|| refuse("an empty command", 22))?;
    let program = spawn::look_up(first, &search).map_err(|errno| Error::Spawn {
        program: name.clone(),
        what: "looking it up",
        errno,
    })?;
    let mut pairs = Vec::with_capacity(env.len());
    for (name, value) in &env {
        let mut pair = name.clone();
        pair.push("=");
        pair.push(value);
        pairs.push(text(&pair)?);
    }
    // One in a jail goes back to ours: where it lies now, something else is mounted.
    let ours = || options.jail.as_ref().and_then(|_| std::env::current_dir().ok());
    let cwd = options.cwd.clone().or_else(ours).map(|path| text(path.as_os_str())).transpose()?;
    let fds = options.fds.unwrap_or_else(|| vec![(0, 0), (1, 1), (2, 2)]);
    let mut filters = filter::from_the_start()?;
    if let Some(jail) = options.jail {
        filters.push(filter::keep_to_itself()?);
        if jail.means == Means::Landlock {
            filters.push(filter::keep_attributes()?);
        }
        if jail.own_network {
            filters.push(filter::keep_off_other_machines()?);
        }
    }
    Ok((name, spawn::Command { program, argv, env: pairs, cwd, fds, filters, jail: None }))
}

/// Forks, seizes, lets go, and waits for the exec. Runs in the tracer thread, whose child the process becomes.
fn give_birth(mut command: spawn::Command, prepared: Prepared, name: &str) -> Result<Process> {
    let failed = |what, errno| Error::Spawn { program: name.to_owned(), what, errno };
    let (jail, jailed) = prepared.into_parts();
    let ids = jail.as_ref().and_then(|jail| jail.ids);
    command.jail = jail;
    let pending = spawn::fork(&command).map_err(|errno| failed("fork", errno))?;
    let pid = pending.pid;
    // From here on an early return ends this thread, and the child with it.
    let pidfd = Arc::new(pidfd::open(pid).map_err(|errno| failed("pidfd_open", errno))?);
    ptrace::seize(pid, ptrace::FOLLOW_ALL).map_err(|errno| Error::Attach { pid, errno })?;
    let io = |error: std::io::Error| failed("opening /proc", Errno(error.raw_os_error().unwrap_or(0)));
    let mut process = Process::new(pid, pidfd, [pid], true).map_err(io)?;
    let outcome = pending.release().map_err(|errno| failed("starting", errno))?;
    while !process.execed() && process.ending().is_none() {
        process.release().and_then(|()| process.follow()).map_err(|errno| failed("waiting for it", errno))?;
    }
    match outcome.wait() {
        None if process.ending().is_none() => {
            process.reopen_files().map_err(io)?;
            process.watch.filters_at_start = command.filters.len() as u32;
            process.ids = ids;
            let entered = jailed.entered().map_err(|errno| failed("taking over its jail", errno))?;
            process.private = entered.private;
            process.sock_diag = entered.sock_diag;
            Ok(process)
        }
        None => Err(failed("starting", Errno(3))),
        Some((step, errno)) => {
            process.kill();
            Err(failed(
                match step {
                    Step::Descriptors => "placing its descriptors",
                    Step::Directory => "changing to its directory",
                    Step::Filter => "installing its filter",
                    Step::Jail => "shutting it in (see --jail)",
                    Step::Exec => "exec",
                },
                errno,
            ))
        }
    }
}

/// Seizes every thread of a running process, until no new one appears.
fn seize_all(pid: Tid) -> Result<Process> {
    let failed = |errno| Error::Attach { pid, errno };
    let io = |error: std::io::Error| failed(Errno(error.raw_os_error().unwrap_or(0)));
    let pidfd = Arc::new(pidfd::open(pid).map_err(failed)?);
    let options = ptrace::FOLLOW_ALL & !ptrace::EXIT_KILL;
    let mut seized = BTreeSet::new();
    loop {
        let mut found_new = false;
        for entry in std::fs::read_dir(format!("/proc/{pid}/task")).map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            let Some(tid) = name.to_str().and_then(|text| text.parse().ok()).map(Tid) else { continue };
            if seized.contains(&tid) {
                continue;
            }
            found_new = true;
            match ptrace::seize(tid, options) {
                Ok(()) => drop(seized.insert(tid)),
                // A thread that was born of a seized one is ours already; one that ended is nobody's.
                Err(Errno(1)) if !seized.is_empty() && is_traced_by_us(tid) => drop(seized.insert(tid)),
                Err(Errno(3)) => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
        if !found_new {
            return Process::new(pid, pidfd, seized, false).map_err(io);
        }
    }
}

fn is_traced_by_us(tid: Tid) -> bool {
    let status = std::fs::read(format!("/proc/{tid}/status")).unwrap_or_default();
    let own = std::fs::read_dir("/proc/self/task").map(|entries| {
        entries
            .flatten()
            .filter_map(|e| e.file_name().to_str().and_then(|t| t.parse::<u32>().ok()))
            .collect::<Vec<_>>()
    });
    groundhog_proc::status::parse(&status)
        .is_ok_and(|status| own.is_ok_and(|own| own.contains(&status.tracer_pid)))
}
