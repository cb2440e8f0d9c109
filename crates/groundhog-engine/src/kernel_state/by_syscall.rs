//! What only a thread of the process is told, and can set.

use super::{Place, Touched, Value};
use crate::arch::call;
use crate::error::Step;
use crate::trace::inspect;
use crate::trace::process::Process;
use groundhog_sys::PAGE_SIZE;

const PR_GET_DUMPABLE: u64 = 3;
const PR_SET_DUMPABLE: u64 = 4;

/// Without a byte of memory, which cannot be reached in any other way before.
pub(super) fn dumpable(place: &mut Place<'_>) -> Step<Vec<u8>> {
    let mut remote = place.remote()?;
    let now = remote.must("prctl", call::PRCTL, [PR_GET_DUMPABLE, 0, 0, 0, 0, 0])?;
    Ok(vec![now as u8])
}

pub(super) fn set_dumpable(place: &mut Place<'_>, value: &Value, _: &Touched) -> Step<()> {
    let before = value.bytes.first().copied().unwrap_or_default();
    let mut remote = place.remote()?;
    let _shows = remote.call(call::PRCTL, [PR_SET_DUMPABLE, before.into(), 0, 0, 0, 0])?;
    Ok(())
}

/// How a setting is asked for and set.
struct Setting {
    ask: (u64, [u64; 2]),
    /// It answers where it is told, instead of by its result.
    by_pointer: bool,
    set: fn(u64) -> (u64, [u64; 3]),
}

const fn by_result(ask: u64, set: fn(u64) -> (u64, [u64; 3])) -> Setting {
    Setting { ask: (call::PRCTL, [ask, 0]), by_pointer: false, set }
}

const fn by_pointer(ask: u64, set: fn(u64) -> (u64, [u64; 3])) -> Setting {
    Setting { ask: (call::PRCTL, [ask, 0]), by_pointer: true, set }
}

/// `linux/prctl.h`
const SETTINGS: [Setting; 14] = [
    by_pointer(2, |value| (call::PRCTL, [1, value, 0])), // PDEATHSIG
    by_result(7, |value| (call::PRCTL, [8, value, 0])),  // KEEPCAPS
    by_pointer(25, |value| (call::PRCTL, [26, value, 0])), // TSC
    by_result(27, |value| (call::PRCTL, [28, value, 0])), // SECUREBITS
    by_result(34, |value| (call::PRCTL, [33, 1, value])), // MCE_KILL
    by_pointer(37, |value| (call::PRCTL, [36, value, 0])), // CHILD_SUBREAPER
    by_pointer(40, |value| (call::SET_TID_ADDRESS, [value, 0, 0])), // TID_ADDRESS
    by_result(42, |value| (call::PRCTL, [41, value & 1, value & !1])), // THP_DISABLE
    by_result(58, |value| (call::PRCTL, [57, value, 0])), // IO_FLUSHER
    // MDWE, MEMORY_MERGE, registrations for memory barriers (Linux 6.3): what was turned on cannot be turned off, or not for all.
    by_result(66, |value| (call::PRCTL, [65, value, 0])),
    by_result(68, |value| (call::PRCTL, [67, value, 0])),
    Setting {
        ask: (call::MEMBARRIER, [512, 0]),
        by_pointer: false,
        set: |value| (call::MEMBARRIER, [value, 0, 0]),
    },
    // TIMER_CREATE_RESTORE_IDS
    Setting { ask: (call::PRCTL, [77, 2]), by_pointer: false, set: |value| (call::PRCTL, [77, value, 0]) },
    Setting {
        ask: (call::PERSONALITY, [0xffff_ffff, 0]),
        by_pointer: false,
        set: |value| (call::PERSONALITY, [value, 0, 0]),
    },
];

/// What `/proc/PID/timerslack_ns` sets, too.
const SLACK: [Setting; 1] = [by_result(30, |value| (call::PRCTL, [29, value, 0]))];

/// Each as eight bytes; what this kernel does not have is its error's number.
fn ask(place: &mut Place<'_>, settings: &[Setting]) -> Step<Vec<u8>> {
    let mut remote = place.remote()?;
    let mut told = vec![0; settings.len() * 8];
    let room = remote.put(&told)?;
    let call = |(setting, at): (&Setting, u64)| {
        let (number, [first, second]) = setting.ask;
        (number, [first, if setting.by_pointer { at } else { second }, 0, 0, 0, 0])
    };
    let answers =
        remote.call_all(&settings.iter().zip((room.0..).step_by(8)).map(call).collect::<Vec<_>>())?;
    remote.get(room, &mut told)?;
    for ((setting, answer), bytes) in settings.iter().zip(answers).zip(told.as_chunks_mut::<8>().0) {
        match answer {
            Ok(_) if setting.by_pointer => {}
            Ok(result) => *bytes = result.to_le_bytes(),
            Err(errno) => *bytes = i64::from(-errno.0).to_le_bytes(),
        }
    }
    Ok(told)
}

fn set(place: &mut Place<'_>, value: &Value, settings: &[Setting]) -> Step<()> {
    let now = ask(place, settings)?;
    let mut remote = place.remote()?;
    let pairs = value.bytes.as_chunks::<8>().0.iter().zip(now.as_chunks::<8>().0);
    for (setting, (before, _)) in settings.iter().zip(pairs).filter(|(_, (before, now))| before != now) {
        let (number, [first, second, third]) = (setting.set)(u64::from_le_bytes(*before));
        let _shows = remote.call(number, [first, second, third, 0, 0, 0])?;
    }
    Ok(())
}

/// The settings, and where the thread gets its memory, which is compared only.
pub(super) fn settings(place: &mut Place<'_>) -> Step<Vec<u8>> {
    let mut bytes = ask(place, &SETTINGS)?;
    bytes.extend(memory_policy(place)?);
    Ok(bytes)
}

/// `get_mempolicy`: mode and nodes; nothing where the kernel has none.
fn memory_policy(place: &mut Place<'_>) -> Step<[u8; POLICY]> {
    const MAX_NODES: u64 = 1024;
    let mut remote = place.remote()?;
    let at = remote.put(&[0; POLICY])?;
    let _without_numa = remote.call(call::GET_MEMPOLICY, [at.0, at.0 + 8, MAX_NODES, 0, 0, 0])?;
    let mut policy = [0; POLICY];
    remote.get(at, &mut policy)?;
    Ok(policy)
}

/// A mode, and as many bits as there can be nodes.
const POLICY: usize = 8 + 1024 / 8;

pub(super) fn set_settings(place: &mut Place<'_>, value: &Value, _: &Touched) -> Step<()> {
    set(place, value, &SETTINGS)
}

pub(super) fn slack(place: &mut Place<'_>) -> Step<Vec<u8>> {
    ask(place, &SLACK)
}

pub(super) fn set_slack(place: &mut Place<'_>, value: &Value, _: &Touched) -> Step<()> {
    set(place, value, &SLACK)
}

/// `stack_t`, as no part of it is in use: the thread's registers will be others.
pub(super) fn alternate_stack(place: &mut Place<'_>) -> Step<Vec<u8>> {
    let mut remote = place.remote()?;
    remote.leave_stack();
    let at = remote.put(&[0; 24])?;
    remote.must("sigaltstack", call::SIGALTSTACK, [0, at.0, 0, 0, 0, 0])?;
    let mut stack = vec![0; 24];
    remote.get(at, &mut stack)?;
    Ok(stack)
}

/// Whether a `stack_t` has `SS_AUTODISARM`.
pub(super) fn is_disarmed_by_handlers(stack: &[u8]) -> bool {
    stack.get(11).is_some_and(|byte| byte & 0x80 != 0)
}

pub(super) fn set_alternate_stack(place: &mut Place<'_>, value: &Value, _: &Touched) -> Step<()> {
    let mut remote = place.remote()?;
    remote.leave_stack();
    let at = remote.put(&value.bytes)?;
    let _shows = remote.call(call::SIGALTSTACK, [at.0, 0, 0, 0, 0, 0])?;
    Ok(())
}

fn locked_bytes(process: &Process) -> Step<u64> {
    Ok(inspect::status(process.pid, process.pid)?.vm_lck.unwrap_or(0))
}

/// How many bytes are locked, and whether mappings to come will be, which only a new one tells.
pub(super) fn memory_locks(place: &mut Place<'_>) -> Step<Vec<u8>> {
    const PRIVATE_ANONYMOUS: u64 = 0x22;
    let before = locked_bytes(place.process)?;
    let mut remote = place.remote()?;
    let mapped = remote.call(call::MMAP, [0, PAGE_SIZE, 0, PRIVATE_ANONYMOUS, u64::MAX, 0])?;
    let future = mapped.is_err() || locked_bytes(remote.process())? != before;
    if let Ok(at) = mapped {
        remote.must("munmap", call::MUNMAP, [at, PAGE_SIZE, 0, 0, 0, 0])?;
    }
    let mut bytes = before.to_le_bytes().to_vec();
    bytes.push(u8::from(future));
    Ok(bytes)
}

/// Nothing tells in which of two ways mappings to come are locked, so that such a process is refused.
pub(super) fn same_locks(before: &[u8], now: &[u8]) -> bool {
    before == now && before.last() == Some(&0)
}

/// The same number of bytes may be others; those without any cannot.
pub(super) fn never_locked(before: &[u8], now: &[u8]) -> bool {
    same_locks(before, now) && before.iter().all(|byte| *byte == 0)
}

/// Of single mappings the restore of the layout finds what is locked now and was not, or the other way round.
pub(super) fn unlock_memory(place: &mut Place<'_>, value: &Value, _: &Touched) -> Step<()> {
    if value.bytes.iter().all(|byte| *byte == 0) {
        place.remote()?.must("munlockall", call::MUNLOCKALL, [0; 6])?;
    }
    Ok(())
}
