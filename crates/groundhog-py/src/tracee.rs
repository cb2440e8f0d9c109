//! `groundhog.Tracee`.

use crate::errors::exception;
use crate::reports::{self, RestoreReport, SnapshotInfo};
use groundhog_engine::{JailOptions, Means, SpawnOptions, Strategy, UsedConnections};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyType};
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, IntoRawFd};
use std::path::PathBuf;

/// One function process under the engine's control.
#[pyclass(frozen, module = "groundhog._core")]
pub(crate) struct Tracee {
    engine: groundhog_engine::Tracee,
}

/// Bytes and files that a function may write by default.
const MAX_WRITTEN: (u64, u64) = (512 << 20, 10_000);

fn means(name: &str) -> PyResult<Means> {
    match name {
        "namespace" => Ok(Means::Namespace),
        "landlock" => Ok(Means::Landlock),
        _ => Err(PyValueError::new_err(format!("unknown jail {name:?}: choose namespace or landlock"))),
    }
}

/// Whether it is a network of its own.
fn own_network(name: &str) -> PyResult<bool> {
    match name {
        "host" => Ok(false),
        "none" => Ok(true),
        _ => Err(PyValueError::new_err(format!("unknown network '{name}': choose host or none"))),
    }
}

fn address((host, port): (String, u16)) -> PyResult<SocketAddr> {
    let ip: IpAddr = host.parse().map_err(|_| PyValueError::new_err(format!("{host:?} is no address")))?;
    Ok(SocketAddr::new(ip, port))
}

fn strategy(name: Option<&str>) -> PyResult<Option<Strategy>> {
    name.map(str::parse).transpose().map_err(|message: String| {
        exception(&groundhog_engine::Error::Unsupported {
            strategy: name.unwrap_or_default().into(),
            why: message,
        })
    })
}

fn pairs<K, V>(mapping: &Bound<'_, PyAny>) -> PyResult<Vec<(K, V)>>
where
    K: for<'a, 'py> FromPyObject<'a, 'py>,
    V: for<'a, 'py> FromPyObject<'a, 'py>,
{
    let items = mapping.cast::<PyMapping>()?.items()?;
    items
        .iter()
        .map(|item| item.extract().map_err(|_| PyTypeError::new_err("a mapping holds a wrong type")))
        .collect()
}

#[pymethods]
impl Tracee {
    /// Start a program and trace it from before its first instruction.
    ///
    /// `argv`: the program, looked up along `PATH`, and its arguments. `env`: its whole environment; None: ours. `cwd`:
    /// its working directory. `fds`: its descriptors, `{number there: number here}`, all others are closed; None: ours
    /// for 0, 1 and 2. `drain`: read ends of pipes that are emptied while everything is stopped in a restore.
    /// `strategy`: `hot`, `classic`, `soft-dirty` or `copy`; None: the best that works here. `watch`: have the kernel
    /// tell of calls that change the layout or close descriptors, so that a restore after a request without any need not look. `jail`: what it
    /// is shut in by, `namespace` or `landlock`; None: nothing. `private`: the folders in which it may write then, and
    /// which are reverted, too; by namespaces but for those below which something is mounted. `most_written`: most bytes and files there, by namespaces only. `network`: `host`, what
    /// the machine reaches, or `none`, itself alone, by namespaces only. `ids`: user and group to become, which only root can. `most_tasks`: threads and descendants that it may have at a time; with more it is killed.
    ///
    /// `keep_connections`: leave connections of the snapshot open that a request used, and only empty them; else they are
    /// shut down, so that no late answer reaches a later request.
    ///
    /// `shut_own_connections`: shut them down also where the caller has their other ends, by which it may be a server of the
    /// program's; else they count as how it speaks with the program, and are left alone.
    ///
    /// `own_port`: of those whose other ends the caller has, only the ones that came to this port of it count as how it speaks
    /// with the program.
    ///
    /// `admitted`: where it listens by TCP, nobody is let in but from these addresses and ports, which are to be the caller's for
    /// as long as the process lives: one of each version of the Internet protocol. None: everybody is. In a network of its own it is
    /// those of `take_callers` instead.
    ///
    /// `trusted`: without a jail, take it that the program does not write to its `/proc/PID/clear_refs`, by which it undoes
    /// the strategy `soft-dirty`; for tests and benchmarks.
    ///
    /// Raises `SpawnError` when it cannot be started and `UnsupportedError` when the strategy does not work here.
    #[staticmethod]
    #[pyo3(signature = (argv, *, env = None, cwd = None, fds = None, drain = Vec::new(), strategy = None, watch = true,
                        jail = None, private = Vec::new(), most_written = None, network = "host", ids = None,
                        most_tasks = None, keep_connections = false, shut_own_connections = false,
                        own_port = None, admitted = Vec::new(), trusted = false))]
    #[allow(
        clippy::fn_params_excessive_bools,
        clippy::too_many_arguments,
        reason = "keyword arguments in Python"
    )]
    fn spawn(
        py: Python<'_>,
        argv: Vec<PathBuf>,
        env: Option<&Bound<'_, PyAny>>,
        cwd: Option<PathBuf>,
        fds: Option<&Bound<'_, PyAny>>,
        drain: Vec<i32>,
        strategy: Option<&str>,
        watch: bool,
        jail: Option<&str>,
        private: Vec<PathBuf>,
        most_written: Option<(u64, u64)>,
        network: &str,
        ids: Option<(u32, u32)>,
        most_tasks: Option<usize>,
        keep_connections: bool,
        shut_own_connections: bool,
        own_port: Option<u16>,
        admitted: Vec<(String, u16)>,
        trusted: bool,
    ) -> PyResult<Self> {
        if argv.is_empty() {
            return Err(PyValueError::new_err("argv is empty; name a program"));
        }
        let own_network = own_network(network)?;
        let jail = jail.map(means).transpose()?;
        let refused = |what| Err(PyValueError::new_err(what));
        // What would not be applied.
        if own_network && jail.is_none() {
            return refused("network 'none' needs the jail 'namespace'");
        }
        if most_written.is_some() && jail != Some(Means::Namespace) {
            return refused("most_written needs the jail 'namespace'");
        }
        if !private.is_empty() && jail.is_none() {
            return refused("private needs a jail");
        }
        let options = SpawnOptions {
            argv: argv.into_iter().map(PathBuf::into_os_string).collect(),
            env: env.map(pairs::<OsString, OsString>).transpose()?,
            cwd,
            fds: fds.map(pairs::<i32, i32>).transpose()?,
            drain: drain.into_iter().map(groundhog_engine::duplicate_descriptor).collect::<Result<_, _>>()?,
            strategy: self::strategy(strategy)?,
            unwatched: !watch,
            jail: jail.map(|means| JailOptions {
                means,
                private,
                most: most_written.unwrap_or(MAX_WRITTEN),
                own_network,
            }),
            ids,
            most_tasks,
            connections: match (keep_connections, shut_own_connections, own_port) {
                (true, ..) => UsedConnections::Kept,
                (false, true, _) => UsedConnections::AllShut,
                (false, false, Some(port)) => UsedConnections::ShutButAt(port),
                (false, false, None) => UsedConnections::Shut,
            },
            admitted: admitted.into_iter().map(address).collect::<Result<_, _>>()?,
            trusted,
        };
        let engine = py.detach(|| groundhog_engine::Tracee::spawn(options)).map_err(|e| exception(&e))?;
        Ok(Self { engine })
    }

    /// Trace a process that runs already; closing the handle lets it go.
    ///
    /// This is no isolation: its calls are neither seen nor refused. Every restore looks for what they may have changed, in every
    /// thread, and is slower; what nobody can compare stays (docs/guarantees.md). Nobody else may wait
    /// for it (waitpid(2)) as long as the handle is open: what its tracer waits for would be lost.
    ///
    /// `trusted`: see `spawn`.
    ///
    /// Raises `SpawnError` when it may not be traced.
    #[staticmethod]
    #[pyo3(signature = (pid, *, strategy = None, trusted = false))]
    fn attach(py: Python<'_>, pid: i32, strategy: Option<&str>, trusted: bool) -> PyResult<Self> {
        let strategy = self::strategy(strategy)?;
        let engine = py
            .detach(|| groundhog_engine::Tracee::attach(pid, strategy, trusted))
            .map_err(|e| exception(&e))?;
        Ok(Self { engine })
    }

    /// The process id.
    #[getter]
    fn pid(&self) -> i32 {
        self.engine.pid()
    }

    /// How writes are followed.
    #[getter]
    fn strategy(&self) -> &'static str {
        self.engine.strategy().name()
    }

    /// Whether the process has not ended yet.
    #[getter]
    fn alive(&self) -> bool {
        self.engine.ending().is_none()
    }

    /// How it ended: `exited 1`, `killed by signal 9`; None while it lives.
    #[getter]
    fn exit_status(&self) -> Option<String> {
        self.engine.ending()
    }

    /// Take the snapshot that restores go back to, in place of an earlier one.
    ///
    /// Raises `SnapshotRefusedError` when the process could not be restored later: it runs on. If ten seconds were not enough to tell, it was killed.
    fn snapshot(&self, py: Python<'_>) -> PyResult<SnapshotInfo> {
        py.detach(|| self.engine.snapshot()).map(SnapshotInfo).map_err(|e| exception(&e))
    }

    /// Revert the process to its snapshot; with `verify`, compare everything before it runs on.
    ///
    /// Raises `RestoreRefusedError`, `StateMismatchError` or `TraceeExitedError`: the process is dead then.
    #[pyo3(signature = (*, verify = false))]
    fn restore(&self, py: Python<'_>, verify: bool) -> PyResult<RestoreReport> {
        py.detach(|| self.engine.restore(verify)).map(RestoreReport).map_err(|e| exception(&e))
    }

    /// Compare the process with its snapshot, as it is now.
    ///
    /// For a process that waits for input. One that runs by itself differs as soon as it runs: `restore(verify=True)`
    /// compares before it does.
    ///
    /// Raises `StateMismatchError` naming the first difference.
    fn verify(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.engine.verify()).map_err(|e| exception(&e))
    }

    /// What the process has changed since its snapshot, by mapping; nothing is put back.
    ///
    /// `{"memory": [...], "layout": [...]}`. Memory: mappings with pages that differ, each with `start`, `end`, `perms`,
    /// `name`, `pages` (how many differ) and `new` (the snapshot does not have it). Layout: each with `start`, `end`,
    /// `name` and `what`: `added`, `removed`, `replaced`, `protected` or `renamed`.
    ///
    /// Raises `StateMismatchError` when it cannot be inspected and `TraceeExitedError` when it has ended.
    fn changes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = py.detach(|| self.engine.changes()).map_err(|e| exception(&e))?;
        reports::changes_dict(py, &found)
    }

    /// Begin a restore and return at once; `fileno()` becomes readable when `finish_restore()` has its result.
    #[pyo3(signature = (*, verify = false))]
    fn start_restore(&self, verify: bool) -> PyResult<()> {
        self.engine.start_restore(verify).map_err(|e| exception(&e))
    }

    /// The result of a started restore; waits for it if need be. Raises as `restore`.
    fn finish_restore(&self, py: Python<'_>) -> PyResult<RestoreReport> {
        py.detach(|| self.engine.finish_restore()).map(RestoreReport).map_err(|e| exception(&e))
    }

    /// Where the process listens for connections by TCP, as it runs: addresses and ports.
    fn listeners(&self, py: Python<'_>) -> PyResult<Vec<(String, u16)>> {
        let found = py.detach(|| self.engine.listeners()).map_err(|e| exception(&e))?;
        Ok(found.into_iter().map(|at| (at.ip().to_canonical().to_string(), at.port())).collect())
    }

    /// What one needs to speak with what listens in the process's network, where that is its own: descriptors of a socket of
    /// `sock_diag(7)`, and of one of each version of the Internet protocol, whose connections are admitted. They are the caller's then.
    fn take_callers(&self) -> Vec<i32> {
        self.engine.take_callers().into_iter().map(IntoRawFd::into_raw_fd).collect()
    }

    /// A descriptor that is readable when a started restore has ended.
    fn fileno(&self) -> i32 {
        self.engine.done_fd().as_fd().as_raw_fd()
    }

    /// A descriptor that is readable when the process has ended.
    fn exit_fileno(&self) -> i32 {
        self.engine.exit_fd().as_fd().as_raw_fd()
    }

    /// Kill the process and its descendants, now, from any thread.
    fn kill(&self) {
        self.engine.kill();
    }

    /// Kill a spawned process (let go an attached one) and wait until nothing of it is left. Idempotent.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.engine.close());
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (_kind, _value, _trace, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: Option<&Bound<'_, PyType>>,
        _value: Option<&Bound<'_, PyAny>>,
        _trace: Option<&Bound<'_, PyAny>>,
    ) {
        self.close(py);
    }

    fn __repr__(&self) -> String {
        format!("<Tracee pid={} strategy={}>", self.pid(), self.strategy())
    }
}
