//! Engine errors become the exceptions of `groundhog.errors`.

use groundhog_engine::Error;
use pyo3::prelude::*;

/// The exception for an engine error.
pub(crate) fn exception(error: &Error) -> PyErr {
    Python::attach(|py| build(py, error).unwrap_or_else(|failure| failure))
}

/// Cuts out the middle of what is too long to be read: a function can name files a thousand folders deep.
fn brief(message: String) -> String {
    const HALF: usize = 2048; // characters
    let count = message.chars().count();
    if count <= 2 * HALF {
        return message;
    }
    let first: String = message.chars().take(HALF).collect();
    let last: String = message.chars().skip(count - HALF).collect();
    format!("{first} ... {last}")
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let (class, reason) = match error {
        Error::Spawn { .. } | Error::Attach { .. } => ("SpawnError", None),
        Error::Exited { .. } => ("TraceeExitedError", None),
        Error::SnapshotRefused { reason, .. } => ("SnapshotRefusedError", Some(reason.code())),
        Error::RestoreRefused { reason, .. } => ("RestoreRefusedError", Some(reason.code())),
        Error::Mismatch { .. } => ("StateMismatchError", None),
        Error::Unsupported { .. } | Error::Unusable { .. } | Error::Undone { .. } | Error::Jail { .. } => {
            ("UnsupportedError", None)
        }
        Error::Misuse { .. } | Error::System { .. } => ("EngineError", None),
    };
    let class = py.import("groundhog.errors")?.getattr(class)?;
    let message = brief(error.to_string());
    let value = match reason {
        Some(reason) => class.call1((message, reason))?,
        None => class.call1((message,))?,
    };
    Ok(PyErr::from_value(value))
}
