//! Python bindings of the engine: conversions, the GIL released while it works, errors as `groundhog.errors` has them.
#![forbid(unsafe_code)]

mod errors;
mod json;
mod reports;
mod tracee;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::path::PathBuf;

/// What this machine allows: kernel, what was tried, strategies, which one is preferred.
#[pyfunction]
fn capabilities(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let found = py.detach(groundhog_engine::capabilities);
    let answer = PyDict::new(py);
    answer.set_item("kernel", &found.kernel)?;
    let findings = PyList::empty(py);
    for finding in &found.findings {
        let entry = PyDict::new(py);
        entry.set_item("name", finding.name)?;
        entry.set_item("works", finding.works)?;
        entry.set_item("detail", &finding.detail)?;
        entry.set_item("remedy", finding.remedy)?;
        entry.set_item("essential", finding.essential)?;
        findings.append(entry)?;
    }
    answer.set_item("findings", findings)?;
    let strategies = PyDict::new(py);
    for strategy in groundhog_engine::Strategy::ALL {
        strategies.set_item(strategy.name(), found.refusal(strategy))?;
    }
    answer.set_item("strategies", strategies)?;
    let jails = PyDict::new(py);
    for means in [groundhog_engine::Means::Namespace, groundhog_engine::Means::Landlock] {
        jails.set_item(means.name(), found.jail_refusal(means))?;
    }
    answer.set_item("jails", jails)?;
    let networks = PyDict::new(py);
    networks.set_item("host", None::<String>)?;
    networks.set_item("none", found.own_network_refusal())?;
    answer.set_item("networks", networks)?;
    answer.set_item("preferred_jail", found.preferred_jail().map(groundhog_engine::Means::name))?;
    let usable = found.missing_essential().is_none();
    let reach = groundhog_engine::Reach::of(found.preferred_jail().is_some(), false);
    answer.set_item("preferred", usable.then(|| found.preferred(reach).name()))?;
    Ok(answer)
}

/// What copying a page of uncached memory costs on this machine, in seconds.
#[pyfunction]
#[pyo3(signature = (pages = 8192))]
fn memcpy_seconds_per_page(py: Python<'_>, pages: usize) -> f64 {
    py.detach(|| groundhog_engine::memcpy_seconds_per_page(pages))
}

/// Those of some folders below which something is mounted, and what: functions in a jail by namespaces cannot write there. What is no
/// folder is passed over.
///
/// `OSError` when it cannot be told what is mounted.
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "the shape that PyO3 wants")]
fn mounted_below(py: Python<'_>, folders: Vec<PathBuf>) -> PyResult<Vec<(PathBuf, PathBuf)>> {
    Ok(py.detach(|| groundhog_engine::mounted_below(&folders))?)
}

/// The policy: a row for every system call, and for every operation of the calls that have many.
///
/// Each with `call`, `number`, `operation` (empty: all; `others`: those without a row), `value` and `level` (of the
/// operation, and of the argument before; None: it does not count), `class`, and `answer` in words.
#[pyfunction]
fn policy(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let rows = PyList::empty(py);
    for row in groundhog_engine::policy() {
        let entry = PyDict::new(py);
        entry.set_item("call", row.call)?;
        entry.set_item("number", row.number)?;
        entry.set_item("operation", row.operation)?;
        entry.set_item("value", row.values.map(|(value, _)| value))?;
        entry.set_item("level", row.values.and_then(|(_, level)| level))?;
        entry.set_item("class", row.class)?;
        entry.set_item("answer", row.answer)?;
        rows.append(entry)?;
    }
    Ok(rows)
}

/// End the connection of a socket, given its descriptor. Unlike closing it, that leaves it the port that it was bound to, and it may
/// connect again.
#[pyfunction]
fn disconnect(fd: i32) -> PyResult<()> {
    Ok(groundhog_engine::disconnect(fd)?)
}

/// How many TCP connections of process `pid` wait for an answer, as far as can be told from outside: they are being opened, or have
/// sent, and nothing has come since. Those that others opened to it do not count.
///
/// It may take as long as a socket of the process lingers (`SO_LINGER`), if the process closes that meanwhile: other threads go on.
///
/// `OSError` when the process is gone, or is not ours to ask.
#[pyfunction]
fn unanswered(py: Python<'_>, pid: i32) -> PyResult<usize> {
    Ok(py.detach(|| groundhog_engine::unanswered(pid))?)
}

#[pyfunction]
fn _before_fork(py: Python<'_>) {
    // The lock is this thread's, which stays the same.
    py.detach(groundhog_engine::before_fork);
}

#[pyfunction]
fn _after_fork_in_parent() {
    groundhog_engine::after_fork_in_parent();
}

#[pyfunction]
fn _after_fork_in_child() {
    groundhog_engine::after_fork_in_child();
}

/// Has forks of this program give up what they have open of functions.
fn follow_forks(py: Python<'_>) -> PyResult<()> {
    let steps = PyDict::new(py);
    steps.set_item("before", wrap_pyfunction!(_before_fork, py)?)?;
    steps.set_item("after_in_parent", wrap_pyfunction!(_after_fork_in_parent, py)?)?;
    steps.set_item("after_in_child", wrap_pyfunction!(_after_fork_in_child, py)?)?;
    py.import("os")?.call_method("register_at_fork", (), Some(&steps))?;
    Ok(())
}

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<tracee::Tracee>()?;
    module.add_class::<reports::SnapshotInfo>()?;
    module.add_class::<reports::RestoreReport>()?;
    module.add_function(wrap_pyfunction!(capabilities, module)?)?;
    module.add_function(wrap_pyfunction!(policy, module)?)?;
    module.add_function(wrap_pyfunction!(disconnect, module)?)?;
    module.add_function(wrap_pyfunction!(unanswered, module)?)?;
    module.add_function(wrap_pyfunction!(mounted_below, module)?)?;
    module.add_function(wrap_pyfunction!(memcpy_seconds_per_page, module)?)?;
    module.add_function(wrap_pyfunction!(json::json_kind, module)?)?;
    module.add_function(wrap_pyfunction!(json::json_members, module)?)?;
    module.add_function(wrap_pyfunction!(json::json_line, module)?)?;
    follow_forks(module.py())?;
    Ok(())
}
