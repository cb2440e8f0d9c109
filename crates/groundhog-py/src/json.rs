//! JSON that is passed on, looked at with the GIL released.

use groundhog_json::{Fault, Kind};
use pyo3::exceptions::{PyRecursionError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn raised(fault: Fault) -> PyErr {
    match fault {
        Fault::Deep => PyRecursionError::new_err(fault.to_string()),
        _ => PyValueError::new_err(fault.to_string()),
    }
}

/// What a text of JSON is: `failure` (an object with the one member `error`), `object`, `array` or `scalar`. All of it is checked.
///
/// `ValueError` when it is none; `RecursionError` when it is nested more deeply than functions could read.
#[pyfunction]
pub(crate) fn json_kind(py: Python<'_>, text: &Bound<'_, PyBytes>) -> PyResult<&'static str> {
    let text = text.as_bytes();
    Ok(match py.detach(|| groundhog_json::kind(text)).map_err(raised)? {
        Kind::Failure => "failure",
        Kind::Object => "object",
        Kind::Array => "array",
        Kind::Scalar => "scalar",
    })
}

/// The members of the object that a text of JSON is: names, and where their values begin and end; None if it is no object.
///
/// Errors: as of `json_kind`.
#[pyfunction]
pub(crate) fn json_members(
    py: Python<'_>,
    text: &Bound<'_, PyBytes>,
) -> PyResult<Option<Vec<(String, usize, usize)>>> {
    let text = text.as_bytes();
    let found = py.detach(|| groundhog_json::members(text)).map_err(raised)?;
    Ok(found.map(|members| members.into_iter().map(|(name, place)| (name, place.start, place.end)).collect()))
}

/// The same JSON in one line, whatever a runtime takes for the end of a line.
///
/// `MemoryError` when there is no room for it.
#[pyfunction]
pub(crate) fn json_line<'py>(py: Python<'py>, text: &Bound<'py, PyBytes>) -> PyResult<Bound<'py, PyBytes>> {
    let bytes = text.as_bytes();
    let Some(len) = py.detach(|| groundhog_json::line_len(bytes)) else { return Ok(text.clone()) };
    PyBytes::new_with(py, len, |line| {
        py.detach(|| groundhog_json::write_line(bytes, line));
        Ok(())
    })
}
