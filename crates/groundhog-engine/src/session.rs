//! One traced process from its start to its end: its handle, its tracer thread, snapshot, restore, verify.

pub(crate) mod capabilities;
pub(crate) mod changes;
pub(crate) mod restore;
pub(crate) mod snapshot;
pub(crate) mod tracee;
pub(crate) mod tracer;
pub(crate) mod verify;
