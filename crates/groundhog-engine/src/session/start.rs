//! Starting a process that is traced from before its first instruction, or seizing one that runs.

use super::capabilities::capabilities;
use super::observer::{Listener, Watch};
use super::placement::Placement;
use super::tracee::{SpawnOptions, UsedConnections};
use super::{Session, Sight, Terms, listeners};
use crate::descriptors::anonymous_inode;
use crate::error::{Error, Result};
use crate::files::jail::{self, Entered, Means, Prepared};
use crate::files::page_sharing::{self, OurPipes};
use crate::strategy::Strategy;
use crate::syscalls::programs;
use crate::trace::process::Process;
use groundhog_sys::fcntl;
use groundhog_sys::limits::{self, Limit};
use groundhog_sys::spawn::{self, Step};
use groundhog_sys::{Errno, Tid, pidfd, ptrace};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::CString;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;
use std::sync::Arc;

/// How many seccomp filters bind the calling thread, on kernels that tell.
fn filters_of_this_thread() -> Option<u32> {
    let text = std::fs::read("/proc/thread-self/status").ok()?;
    groundhog_proc::status::parse(&text).ok()?.seccomp_filters
}

/// A process that is ready to be started.
pub(super) struct Birth {
    name: String,
    command: spawn::Command,
    prepared: Prepared,
    watches_frequent: bool,
    connections: UsedConnections,
    most_tasks: usize,
    admitted: Vec<SocketAddr>,
}

/// A process that has just been started, or seized.
pub(super) struct Started {
    pub(super) process: Process,
    watch: Rc<RefCell<Watch>>,
    terms: Terms,
    entered: Entered,
}

impl Started {
    /// What one needs to speak with what listens in its network, if that is its own: who tells of its sockets, and some that may connect.
    pub(super) fn take_callers(&mut self) -> groundhog_sys::Result<Vec<OwnedFd>> {
        let callers = std::mem::take(&mut self.entered.callers);
        match &self.entered.sock_diag {
            Some(tells) if !self.watch.borrow().admitted.is_empty() => {
                Ok(std::iter::once(fcntl::duplicate(tells)?).chain(callers).collect())
            }
            _ => Ok(Vec::new()), // nobody is to connect to it
        }
    }
}

impl Session {
    /// Takes over a process whose threads the calling thread has just seized.
    pub(super) fn new(started: Started, strategy: Strategy, drain: Vec<OwnedFd>) -> Self {
        let Started { process, watch, terms, entered } = started;
        let private = Rc::new(entered.private);
        {
            let facts = &mut watch.borrow_mut().facts;
            facts.is_jailed = entered.is_jailed;
            // Asked while it loads, too: what waits in a socket by the snapshot may be read later.
            let private = Rc::clone(&private);
            facts.may_be_rewritten = Some(Box::new(move |thread, number| {
                page_sharing::may_be_rewritten(&private, thread, number)
            }));
        }
        let placement = Placement::new(&process);
        Self {
            process,
            watch,
            terms,
            sight: Sight::default(),
            private,
            sock_diag: entered.sock_diag,
            strategy,
            snapshot: None,
            drain,
            placement,
        }
    }
}

/// Looks everything up that can be wrong with what is to be started.
pub(super) fn prepare(options: SpawnOptions) -> Result<Birth> {
    let prepared = jail::prepare(options.jail.as_ref(), options.ids)?;
    let watches_frequent = !options.unwatched;
    let connections = options.connections;
    let most_tasks = options.most_tasks.unwrap_or(usize::MAX);
    let admitted = options.admitted.clone();
    // In a network of its own it may be guarded by whoever has made that.
    let is_apart = options.jail.as_ref().is_some_and(|jail| jail.own_network);
    let (name, command) = command(options)?;
    if !admitted.is_empty() && !is_apart && !capabilities().guards_servers() {
        let what = "guarding where it listens, for which this kernel wants CAP_NET_ADMIN (or --network none)";
        return Err(Error::Spawn { program: name, what, errno: Errno(1) });
    }
    Ok(Birth { name, command, prepared, watches_frequent, connections, most_tasks, admitted })
}

fn command(options: SpawnOptions) -> Result<(String, spawn::Command)> {
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
    let mut filters = programs::from_the_start()?;
    if !options.admitted.is_empty() {
        filters.extend(programs::for_server()?);
    }
    if let Some(jail) = options.jail {
        filters.extend(programs::for_jail(jail.means == Means::Landlock)?);
    }
    Ok((name, spawn::Command { program, argv, env: pairs, cwd, fds, filters, jail: None }))
}

impl Birth {
    /// Forks, seizes, lets go, and waits for the exec. Runs in the tracer thread, whose child the process becomes.
    pub(super) fn give(self) -> Result<Started> {
        let Self { name, mut command, prepared, watches_frequent, connections, most_tasks, admitted } = self;
        let failed = |what, errno| Error::Spawn { program: name.clone(), what, errno };
        let (jail, jailed) = prepared.into_parts();
        let ids = jail.as_ref().and_then(|jail| jail.ids);
        command.jail = jail;
        let pipes = OurPipes::among(command.fds.iter().map(|(_, here)| *here));
        anonymous_inode::note();
        let pending = spawn::fork(&command).map_err(|errno| failed("fork", errno))?;
        let pid = pending.pid;
        // From here on an early return ends this thread, and the child with it.
        let pidfd = Arc::new(pidfd::open(pid).map_err(|errno| failed("pidfd_open", errno))?);
        ptrace::seize(pid, ptrace::FOLLOW_ALL).map_err(|errno| Error::Attach { pid, errno })?;
        let io = |error: std::io::Error| failed("opening /proc", Errno(error.raw_os_error().unwrap_or(0)));
        let watch = Rc::new(RefCell::new(Watch { admitted, ..Watch::default() }));
        watch.borrow_mut().facts.is_our_pipe =
            Some(Box::new(move |thread, number| pipes.have(thread, number)));
        let listener = Box::new(Listener(Rc::clone(&watch)));
        let mut process = Process::new(pid, pidfd, [pid], true, listener).map_err(io)?;
        end_first_without_memory(pid);
        leave_signals_to_others(pid).map_err(|errno| failed("limiting its signals", errno))?;
        process.most_tasks = most_tasks;
        let outcome = pending.release().map_err(|errno| failed("starting", errno))?;
        while !process.execed() && process.ending().is_none() {
            process
                .release()
                .and_then(|()| process.follow())
                .map_err(|errno| failed("waiting for it", errno))?;
        }
        match outcome.told() {
            None if process.ending().is_none() => {
                process.reopen_files().map_err(io)?;
                let entered = jailed.entered().map_err(|errno| failed("taking over its jail", errno))?;
                if !entered.callers.is_empty() && !watch.borrow().admitted.is_empty() {
                    watch.borrow_mut().admitted = listeners::callers(&entered.callers);
                }
                // What it inherits of this thread and what we give it. Not asked of itself: it runs by now, and may have
                // installed one of its own.
                let filters_at_start =
                    filters_of_this_thread().map_or(0, |ours| ours + command.filters.len() as u32);
                let terms = Terms { watches_frequent, connections, filters_at_start, ids };
                Ok(Started { process, watch, terms, entered })
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
}

/// Keeps a process from having all the signals that wait, and all the timers, that its user may have: those are counted together, and a
/// tracer that gets no timer cannot start.
fn leave_signals_to_others(pid: Tid) -> groundhog_sys::Result<()> {
    let Limit { soft, hard } = limits::get(pid, limits::SIGNALS)?;
    let share = |limit: u64| limit - limit / 4;
    limits::set(pid, limits::SIGNALS, Limit { soft: share(soft), hard: share(hard) })
}

/// Has the kernel end a process, and what it starts, before anybody else when there is no memory left.
///
/// It would take the largest one otherwise: us, where a function fills files in memory, or has many children.
fn end_first_without_memory(pid: Tid) {
    // Kernels without it, or a `/proc` that is read-only: then it is as ever.
    let _set = std::fs::write(format!("/proc/{pid}/oom_score_adj"), "1000");
}

/// Seizes every thread of a running process, until no new one appears.
pub(super) fn seize_all(pid: Tid) -> Result<Started> {
    let failed = |errno| Error::Attach { pid, errno };
    let io = |error: std::io::Error| failed(Errno(error.raw_os_error().unwrap_or(0)));
    let pidfd = Arc::new(pidfd::open(pid).map_err(failed)?);
    let options = ptrace::FOLLOW_ALL & !ptrace::EXIT_KILL;
    let mut seized = BTreeSet::new();
    anonymous_inode::note();
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
            let watch = Rc::new(RefCell::new(Watch::default()));
            let listener = Box::new(Listener(Rc::clone(&watch)));
            let process = Process::new(pid, pidfd, seized, false, listener).map_err(io)?;
            return Ok(Started { process, watch, terms: Terms::default(), entered: Entered::default() });
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
