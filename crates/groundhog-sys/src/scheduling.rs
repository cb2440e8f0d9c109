//! How the kernel schedules a thread: `sched_setattr(2)`, `sched_setaffinity(2)`, `ioprio_set(2)`.

use crate::kernel_types::{Errno, Result, Tid, check};
use std::mem::size_of;

/// `struct sched_attr` (`linux/sched/types.h`), in the size that Linux 5.3 gave it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Attributes {
    /// Its own length.
    pub size: u32,
    /// `SCHED_OTHER` and others.
    pub policy: u32,
    /// `SCHED_FLAG_*`
    pub flags: u64,
    /// The nice value of ordinary policies.
    pub nice: i32,
    /// The priority of real-time policies.
    pub priority: u32,
    /// Of deadlines; the time slice of ordinary policies (Linux 6.12).
    pub runtime: u64,
    /// Of deadlines.
    pub deadline: u64,
    /// Of deadlines.
    pub period: u64,
    /// Least utilization that is assumed.
    pub util_min: u32,
    /// Most utilization that is assumed.
    pub util_max: u32,
}

const SIZE: u32 = size_of::<Attributes>() as u32;

/// Bytes of a set of processors: more than any kernel has (`CONFIG_NR_CPUS` is at most 8192).
pub const SET_SIZE: usize = 1024;
/// A set of processors, bit n for processor n.
pub type Processors = [u8; SET_SIZE];

const IOPRIO_WHO_PROCESS: i32 = 1;

/// `sched_getattr`
///
/// # Errors
/// `ESRCH` when the thread is gone.
pub fn attributes(tid: Tid) -> Result<Attributes> {
    let mut attributes = Attributes::default();
    // SAFETY: the kernel writes at most as many bytes as it is told that there are. sched_getattr(2).
    check(unsafe { libc::syscall(libc::SYS_sched_getattr, tid.0, &raw mut attributes, SIZE, 0) })?;
    Ok(attributes)
}

/// `sched_setattr`
///
/// # Errors
/// `EPERM` for what needs a privilege, such as a lower nice value.
pub fn set_attributes(tid: Tid, attributes: &Attributes) -> Result<()> {
    let attributes = Attributes { size: SIZE, ..*attributes };
    // SAFETY: the kernel reads as many bytes as the structure says that it has. sched_setattr(2).
    check(unsafe { libc::syscall(libc::SYS_sched_setattr, tid.0, &raw const attributes, 0) }).map(drop)
}

/// `sched_getaffinity`: the processors that the thread may run on.
///
/// # Errors
/// `ESRCH` when the thread is gone.
pub fn affinity(tid: Tid) -> Result<Processors> {
    let mut set = [0; SET_SIZE];
    // SAFETY: the kernel writes at most SET_SIZE bytes into the set. sched_getaffinity(2).
    check(unsafe { libc::syscall(libc::SYS_sched_getaffinity, tid.0, SET_SIZE, set.as_mut_ptr()) })?;
    Ok(set)
}

/// `sched_setaffinity`
///
/// # Errors
/// `EINVAL` when it may run on none of them.
pub fn set_affinity(tid: Tid, set: &Processors) -> Result<()> {
    // SAFETY: the kernel reads at most SET_SIZE bytes of the set. sched_setaffinity(2).
    check(unsafe { libc::syscall(libc::SYS_sched_setaffinity, tid.0, SET_SIZE, set.as_ptr()) }).map(drop)
}

/// Has a thread run again on the processors that it may run on by itself, or on these, if it had others. Those of its own would stay
/// when its control group gets more.
///
/// # Errors
/// `EINVAL` when it may run on none of them.
pub fn set_affinity_back(tid: Tid, set: &Processors) -> Result<()> {
    let _all_of_its_group = set_affinity(tid, &[0xff; SET_SIZE]);
    if affinity(tid)? == *set { Ok(()) } else { set_affinity(tid, set) }
}

/// The processor that the calling thread runs on, as far as the kernel tells.
#[must_use]
pub fn processor() -> Option<u64> {
    // SAFETY: it takes nothing. sched_getcpu(3).
    u64::try_from(unsafe { libc::sched_getcpu() }).ok()
}

/// Has the calling thread go on on one of the processors that it may run on, from which the kernel may take it at any time.
///
/// # Errors
/// `EINVAL` when it may not run there.
pub fn move_to(processor: u64) -> Result<()> {
    const CALLER: Tid = Tid(0);
    let allowed = affinity(CALLER)?;
    let (byte, bit) = ((processor / 8) as usize, 1 << (processor % 8));
    if allowed.get(byte).is_none_or(|set| set & bit == 0) {
        return Err(Errno(libc::EINVAL));
    }
    let mut one = [0; SET_SIZE];
    one[byte] = bit;
    let moved = set_affinity(CALLER, &one);
    set_affinity_back(CALLER, &allowed).and(moved)
}

/// `ioprio_get` of a thread.
///
/// # Errors
/// `ESRCH` when it is gone.
pub fn io_priority(tid: Tid) -> Result<i32> {
    // SAFETY: ioprio_get(2) takes two numbers.
    check(unsafe { libc::syscall(libc::SYS_ioprio_get, IOPRIO_WHO_PROCESS, tid.0) }).map(|value| value as i32)
}

/// `ioprio_set` of a thread.
///
/// # Errors
/// `EPERM` for the real-time class without the privilege.
pub fn set_io_priority(tid: Tid, value: i32) -> Result<()> {
    // SAFETY: ioprio_set(2) takes three numbers.
    check(unsafe { libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, tid.0, value) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_structure_has_the_size_that_the_kernel_knows() {
        assert_eq!(SIZE, 56); // SCHED_ATTR_SIZE_VER1
        assert_eq!(attributes(Tid(0)).map(|attributes| attributes.size), Ok(SIZE));
    }

    #[test]
    fn a_thread_moves_only_where_it_may_run() {
        let allowed = affinity(Tid(0)).expect("it is alive");
        for processor in (0..64).filter(|at| allowed[at / 8] & (1 << (at % 8)) != 0) {
            assert_eq!(move_to(processor as u64), Ok(()));
        }
        assert_eq!(move_to(SET_SIZE as u64 * 8), Err(Errno(libc::EINVAL)));
        assert_eq!(affinity(Tid(0)), Ok(allowed));
    }

    #[test]
    fn a_thread_that_moved_gets_what_its_control_group_gets() {
        use std::io::Write;
        const GROUPS: &str = "/sys/fs/cgroup/cpuset";
        let everywhere = affinity(Tid(0)).expect("it is alive");
        let group = std::path::PathBuf::from(format!("{GROUPS}/moves-{}", std::process::id()));
        let set = |name: &str, value: &str| std::fs::write(group.join(name), value);
        // Only root makes groups, where there are some of the first version, and a second processor to be given.
        if everywhere[0] & 3 != 3 || std::fs::create_dir(&group).is_err() {
            // Not by a macro, whose output a passing test does not show.
            let _unseen =
                writeln!(std::io::stderr(), "no control group can be made here: {}", group.display());
            return;
        }
        let in_group = || {
            set("cpuset.mems", "0").and_then(|()| set("cpuset.cpus", "0")).expect("it is new");
            set("tasks", "0").expect("this thread may go there");
            assert_eq!(move_to(0), Ok(()));
            set("cpuset.cpus", "0-1").expect("there is a second one");
            affinity(Tid(0)).map(|processors| processors[0])
        };
        let found = std::thread::scope(|scope| scope.spawn(in_group).join());
        // An ended thread leaves its group a moment later.
        for _ in 0..100 {
            if std::fs::remove_dir(&group).is_ok() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert_eq!(found.ok(), Some(Ok(3)));
    }

    #[test]
    fn what_a_thread_has_can_be_set_again() {
        let (mask, priority) = (affinity(Tid(0)), io_priority(Tid(0)));
        assert!(mask.is_ok_and(|mask| mask.iter().any(|byte| *byte != 0)));
        assert_eq!(mask.and_then(|mask| set_affinity(Tid(0), &mask)), Ok(()));
        assert_eq!(priority.and_then(|value| set_io_priority(Tid(0), value)), Ok(()));
        let ordinary = attributes(Tid(0)).map(|attributes| Attributes { runtime: 0, ..attributes });
        assert_eq!(ordinary.and_then(|attributes| set_attributes(Tid(0), &attributes)), Ok(()));
    }
}
