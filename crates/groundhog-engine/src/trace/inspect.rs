//! Reading what `/proc` tells of a process; what cannot be read or understood is refused.

use crate::error::{OrTrouble, Reason, Step, Trouble};
use groundhog_proc::status::{self, Status};
use groundhog_sys::Tid;

/// The status of a thread; that of the first one is the process's.
pub(crate) fn status(pid: Tid, tid: Tid) -> Step<Status> {
    let text = std::fs::read(format!("/proc/{pid}/task/{tid}/status"))
        .or_trouble(Reason::Inspection, "reading its status")?;
    status::parse(&text).map_err(|error| Trouble::Refused(Reason::Inspection, error.to_string()))
}

/// The text that the kernel has on a descriptor.
pub(crate) fn fdinfo(pid: Tid, number: i32) -> Step<Vec<u8>> {
    std::fs::read(format!("/proc/{pid}/fdinfo/{number}"))
        .or_trouble(Reason::Inspection, "reading its descriptors")
}
