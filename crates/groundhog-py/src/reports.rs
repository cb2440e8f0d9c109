//! Snapshots and restores in numbers, as Python objects.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::time::Duration;

fn phases_dict<'py>(py: Python<'py>, phases: &[(&'static str, Duration)]) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, duration) in phases {
        dict.set_item(name, duration.as_secs_f64())?;
    }
    Ok(dict)
}

/// What `Tracee.changes` returns.
pub(crate) fn changes_dict<'py>(
    py: Python<'py>,
    found: &groundhog_engine::Changes,
) -> PyResult<Bound<'py, PyDict>> {
    let memory = PyList::empty(py);
    for change in &found.memory {
        let entry = PyDict::new(py);
        entry.set_item("start", change.start)?;
        entry.set_item("end", change.end)?;
        entry.set_item("perms", &change.perms)?;
        entry.set_item("name", &change.name)?;
        entry.set_item("pages", change.pages)?;
        entry.set_item("new", change.new)?;
        memory.append(entry)?;
    }
    let layout = PyList::empty(py);
    for change in &found.layout {
        let entry = PyDict::new(py);
        entry.set_item("start", change.start)?;
        entry.set_item("end", change.end)?;
        entry.set_item("what", change.what)?;
        entry.set_item("name", &change.name)?;
        layout.append(entry)?;
    }
    let dict = PyDict::new(py);
    dict.set_item("memory", memory)?;
    dict.set_item("layout", layout)?;
    Ok(dict)
}

/// What `Tracee.snapshot` took.
#[pyclass(frozen, module = "groundhog._core")]
pub(crate) struct SnapshotInfo(pub(crate) groundhog_engine::SnapshotInfo);

#[pymethods]
impl SnapshotInfo {
    /// How writes are followed from now on.
    #[getter]
    fn strategy(&self) -> &'static str {
        self.0.strategy.name()
    }
    /// Mappings of the process.
    #[getter]
    fn mappings(&self) -> usize {
        self.0.mappings
    }
    /// Private pages that were resident.
    #[getter]
    fn pages(&self) -> u64 {
        self.0.pages
    }
    /// Pages whose contents had to be kept.
    #[getter]
    fn pages_saved(&self) -> u64 {
        self.0.pages_saved
    }
    /// Bytes kept, shared memory included.
    #[getter]
    fn bytes(&self) -> u64 {
        self.0.bytes
    }
    /// Threads.
    #[getter]
    fn threads(&self) -> usize {
        self.0.threads
    }
    /// How long the process was stopped, in seconds.
    #[getter]
    fn duration(&self) -> f64 {
        self.0.duration.as_secs_f64()
    }
    /// The same by phase, in seconds.
    #[getter]
    fn phases<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        phases_dict(py, &self.0.phases)
    }
    fn __repr__(&self) -> String {
        let info = &self.0;
        format!(
            "SnapshotInfo(strategy={:?}, mappings={}, pages={}, pages_saved={}, bytes={}, threads={}, duration={:.6})",
            info.strategy.name(),
            info.mappings,
            info.pages,
            info.pages_saved,
            info.bytes,
            info.threads,
            info.duration.as_secs_f64()
        )
    }
}

/// What one `Tracee.restore` found and did.
#[pyclass(frozen, module = "groundhog._core")]
pub(crate) struct RestoreReport(pub(crate) groundhog_engine::RestoreReport);

/// Getters of whole numbers, and a dictionary of all of them.
macro_rules! report {
    ($($(#[doc = $doc:literal])* $field:ident,)*) => {
        #[pymethods]
        impl RestoreReport {
            $($(#[doc = $doc])* #[getter] fn $field(&self) -> u64 { self.0.$field })*
            /// How writes were followed.
            #[getter]
            fn strategy(&self) -> &'static str {
                self.0.strategy.name()
            }
            /// Everything was compared with the snapshot afterwards.
            #[getter]
            fn verified(&self) -> bool {
                self.0.verified
            }
            /// How often the process was stopped at other calls that may leave something behind, by the names of the calls.
            #[getter]
            fn stops(&self) -> std::collections::BTreeMap<&'static str, u64> {
                self.0.stops.clone()
            }
            /// From the command to the resumed process, in seconds.
            #[getter]
            fn duration(&self) -> f64 {
                self.0.duration.as_secs_f64()
            }
            /// The same by phase, in seconds.
            #[getter]
            fn phases<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
                phases_dict(py, &self.0.phases)
            }
            /// All of it, ready for JSON.
            fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
                let dict = PyDict::new(py);
                dict.set_item("strategy", self.strategy())?;
                $(dict.set_item(stringify!($field), self.0.$field)?;)*
                dict.set_item("verified", self.0.verified)?;
                dict.set_item("stops", self.stops())?;
                dict.set_item("duration", self.duration())?;
                dict.set_item("phases", self.phases(py)?)?;
                Ok(dict)
            }
            fn __repr__(&self) -> String {
                let mut text = format!("RestoreReport(strategy={:?}", self.strategy());
                $(text.push_str(&format!(", {}={}", stringify!($field), self.0.$field));)*
                text.push_str(&format!(", verified={}, duration={:.6})", self.0.verified, self.duration()));
                text
            }
        }
    };
}

groundhog_engine::restore_counters!(report);
