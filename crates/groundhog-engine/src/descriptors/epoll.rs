//! Epoll sets: what a request added, removed or changed in one is put back, by calls of the process itself.

use crate::arch::call;
use crate::error::{Reason, Step, Trouble};
use crate::trace::inspect;
use crate::trace::process::Process;
use crate::trace::remote_syscall::{Anchor, Remote};
use groundhog_proc::fdinfo::{self, Target};

const EPOLL_CTL_ADD: u64 = 1;
const EPOLL_CTL_DEL: u64 = 2;
const EPOLL_CTL_MOD: u64 = 3;

/// What the epoll set behind a descriptor watches, as the kernel's text on it has it; nothing for other files.
pub(crate) fn targets(text: &[u8]) -> Step<Vec<Target>> {
    fdinfo::epoll_targets(text).map_err(|error| Trouble::Refused(Reason::Inspection, error.to_string()))
}

/// Whether a set has targets that it gives up watching when it has told of them once, with no call that says so.
pub(crate) fn disarms(targets: &[Target]) -> bool {
    const ONE_SHOT: u32 = 1 << 30;
    targets.iter().any(|target| target.events & ONE_SHOT != 0)
}

/// Puts a set back to what it watched at the snapshot, once the descriptors are those of the snapshot.
pub(crate) fn revert(process: &mut Process, anchor: Anchor, number: i32, before: &[Target]) -> Step<()> {
    let now = targets(&inspect::fdinfo(process.pid, number)?)?;
    if now == before {
        return Ok(());
    }
    let find = |targets: &[Target], wanted: i32| targets.iter().find(|t| t.number == wanted).copied();
    let mut remote = Remote::enter(process, anchor)?;
    for target in now.iter().filter(|target| find(before, target.number).is_none()) {
        control(&mut remote, number, EPOLL_CTL_DEL, target)?;
    }
    for target in before {
        match find(&now, target.number) {
            None => control(&mut remote, number, EPOLL_CTL_ADD, target)?,
            Some(found) if found != *target => control(&mut remote, number, EPOLL_CTL_MOD, target)?,
            Some(_) => {}
        }
    }
    Ok(())
}

fn control(remote: &mut Remote<'_>, number: i32, operation: u64, target: &Target) -> Step<()> {
    // struct epoll_event, which is packed.
    let mut event = target.events.to_le_bytes().to_vec();
    event.extend(target.data.to_le_bytes());
    let event = remote.put(&event)?;
    let arguments = [number as u64, operation, target.number as u64, event.0, 0, 0];
    remote.must("epoll_ctl", call::EPOLL_CTL, arguments).map(drop)
}
