//! Comparing a stopped process with its snapshot, byte by byte.

use crate::error::Step;
use crate::session::snapshot::Snapshot;
use crate::trace::process::Process;
use crate::trace::registers;

/// The first difference, or none.
pub(crate) fn difference(process: &mut Process, snapshot: &mut Snapshot) -> Step<Option<String>> {
    let threads: Vec<_> = process.threads().collect();
    let expected: Vec<_> = snapshot.threads.iter().map(|state| state.tid).collect();
    if threads != expected {
        return Ok(Some(format!("threads expected {expected:?}, found {threads:?}")));
    }
    if process.children() > 0 {
        return Ok(Some(format!("it has {} child processes", process.children())));
    }
    if let Some(what) = registers::difference(&snapshot.threads)? {
        return Ok(Some(what));
    }
    if let Some(what) = snapshot.layout.difference(process, snapshot.anchor, &snapshot.areas)? {
        return Ok(Some(what));
    }
    if let Some(what) = snapshot.descriptors.difference(process)? {
        return Ok(Some(what));
    }
    if let Some(name) = snapshot.attributes.difference(process)? {
        return Ok(Some(format!("its {name} changed")));
    }
    if let Some(what) = snapshot.files.difference(&process.private)? {
        return Ok(Some(what));
    }
    if let Some(what) = snapshot.writable.difference()? {
        return Ok(Some(what));
    }
    let private =
        snapshot.memory.difference(process, &snapshot.threads, &snapshot.areas, &mut *snapshot.tracker)?;
    match private {
        Some(what) => Ok(Some(what)),
        None => snapshot.shared.difference(process),
    }
}
