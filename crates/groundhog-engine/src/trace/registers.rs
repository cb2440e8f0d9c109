//! The registers, extended state and signal mask of every thread.

use crate::arch::{self, call};
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::trace::inspect;
use crate::trace::process::Process;
use crate::trace::remote_syscall::Remote;
use groundhog_sys::ptrace::{self, RseqArea};
use groundhog_sys::{Errno, PAGE_SIZE, RemoteAddr, Tid, process_vm, robust_list};
use std::os::unix::fs::FileExt;

/// What one thread had at the snapshot.
#[derive(Debug)]
pub(crate) struct ThreadState {
    pub(crate) tid: Tid,
    registers: ptrace::Registers,
    extended: Vec<u8>,
    signal_mask: u64,
    /// Where the kernel keeps its word on the current processor; none on kernels that do not tell.
    rseq: Option<RseqArea>,
    /// Where the kernel looks for the futexes that it holds when it ends.
    robust_list: RemoteAddr,
    /// It has room for large registers, as after their first use; none where it may not use any.
    has_room: Option<bool>,
}

/// Reads all of it from a stopped process. `may_be_large`: its threads may use large registers.
pub(crate) fn save(process: &Process, may_be_large: bool) -> Step<Vec<ThreadState>> {
    let mut states = process.threads().map(save_thread).collect::<Step<Vec<_>>>()?;
    for state in states.iter_mut().filter(|_| may_be_large) {
        state.has_room = Some(has_room(state.tid, &state.extended)?);
    }
    Ok(states)
}

fn save_thread(tid: Tid) -> Step<ThreadState> {
    let mut registers = ptrace::registers(tid).or_trouble(Reason::Registers, "reading registers")?;
    arch::rewind_interrupted_call(&mut registers);
    let mut extended = Vec::new();
    ptrace::extended_state(tid, &mut extended).or_trouble(Reason::Registers, "reading extended registers")?;
    let signal_mask = ptrace::signal_mask(tid).or_trouble(Reason::Registers, "reading a signal mask")?;
    let rseq = rseq_of(tid);
    let robust_list = robust_list_of(tid)?;
    Ok(ThreadState { tid, registers, extended, signal_mask, rseq, robust_list, has_room: None })
}

/// Whether a process's threads may use large registers. From the snapshot on it cannot ask for that any more, if we started it.
pub(crate) fn may_be_large(remote: &mut Remote<'_>) -> Step<bool> {
    const ARCH_GET_XCOMP_PERM: u64 = 0x1022;
    let place = remote.scratch(size_of::<u64>() as u64)?;
    if remote.call(call::ARCH_PRCTL, [ARCH_GET_XCOMP_PERM, place.0, 0, 0, 0, 0])?.is_err() {
        return Ok(false); // before Linux 5.16 there are none
    }
    let mut word = [0; size_of::<u64>()];
    remote.get(place, &mut word)?;
    Ok(u64::from_ne_bytes(word) & arch::LARGE_REGISTERS != 0)
}

/// Whether a stopped thread has room for large registers, of which the frame of each later signal tells by its size. Only then may
/// they be set. `extended`: what it has then.
fn has_room(tid: Tid, extended: &[u8]) -> Step<bool> {
    const EINVAL: Errno = Errno(22);
    let word =
        |range| extended.get(range).and_then(|word: &[u8]| word.try_into().ok()).map(u64::from_ne_bytes);
    let (Some(known), Some(in_use)) = (word(arch::EXTENDED_KNOWN), word(arch::EXTENDED_IN_USE)) else {
        return Ok(false);
    };
    if known & arch::LARGE_REGISTERS == 0 {
        return Ok(false);
    }
    let mut with_all = extended.to_vec();
    with_all[arch::EXTENDED_IN_USE].copy_from_slice(&(in_use | arch::LARGE_REGISTERS).to_ne_bytes());
    let set = |area: &[u8]| ptrace::set_extended_state(tid, area);
    match set(&with_all) {
        Err(EINVAL) => return Ok(false),
        Err(errno) => Err(errno),
        Ok(()) => set(extended),
    }
    .or_trouble(Reason::Registers, "setting extended registers")?;
    Ok(true)
}

/// Refuses a thread that has used large registers for the first time: the kernel never takes the room for them back.
pub(crate) fn refuse_new_room(states: &[ThreadState]) -> Step<()> {
    match room_taken(states)? {
        Some(tid) => {
            let message = format!("thread {tid} used large registers, for which it keeps the room");
            Err(Trouble::Refused(Reason::Registers, message))
        }
        None => Ok(()),
    }
}

/// The first thread that has room for large registers, and had none.
fn room_taken(states: &[ThreadState]) -> Step<Option<Tid>> {
    for state in states.iter().filter(|state| state.has_room == Some(false)) {
        let mut extended = Vec::new();
        ptrace::extended_state(state.tid, &mut extended)
            .or_trouble(Reason::Registers, "reading extended registers")?;
        if has_room(state.tid, &extended)? {
            return Ok(Some(state.tid));
        }
    }
    Ok(None)
}

/// Where a thread has registered its restartable sequences area, if it has and the kernel tells (Linux 5.13).
pub(crate) fn rseq_of(tid: Tid) -> Option<RseqArea> {
    ptrace::rseq_area(tid).ok().filter(|area| area.start != RemoteAddr(0))
}

/// Where the kernel keeps its word on the current processor, of every thread that has such a place.
pub(crate) fn rseq_areas(process: &Process) -> Vec<RseqArea> {
    process.threads().filter_map(rseq_of).collect()
}

/// Has a stopped thread be in no restartable sequence, which is the word that it has left for the kernel.
///
/// One that covers the instruction from which calls are made inside the process would have the kernel send the thread elsewhere when it
/// goes on, to make calls that nobody judges. For threads that are to end or to be reverted: the sequence is never gone on with.
pub(crate) fn leave_sequence(process: &Process, tid: Tid) -> Step<()> {
    /// `rseq_cs` of `struct rseq`.
    const SEQUENCE: u64 = 8;
    let Some(RseqArea { start, .. }) = rseq_of(tid) else { return Ok(()) };
    let (place, mut word) = (RemoteAddr(start.0.wrapping_add(SEQUENCE)), [0; size_of::<u64>()]);
    if process_vm::read(process.pid, &process.files.mem, place, &mut word).is_err() || word == [0; 8] {
        return Ok(()); // what cannot be read is none for the kernel either: it ends the thread
    }
    let refuse = |why| {
        let message = format!("thread {tid} is in a restartable sequence{why}");
        Err(Trouble::Refused(Reason::Registers, message))
    };
    if !inspect::is_private(tid, place.0, place.0 + word.len() as u64) {
        return refuse(" that others share");
    }
    let mut batch = process_vm::Batch::new();
    batch.push(place, &[0; size_of::<u64>()]);
    if batch.write(process.pid, &process.files.mem).is_ok() { Ok(()) } else { refuse("") }
}

/// Whether somebody outside may write the word by which a stopped thread says that it is in a restartable sequence, or it cannot be told.
/// He would have the kernel send the thread elsewhere, any time that it goes on.
///
/// Once a thread has gone on, that lies in a page of its own, but for one of a file that is shared: so after a call.
pub(crate) fn others_may_divert(process: &Process, tid: Tid) -> bool {
    /// An entry of `/proc/PID/pagemap`: the page is in memory; it is of a file, or of shared memory.
    const PRESENT: u64 = 1 << 63;
    const SHARED: u64 = 1 << 61;
    let Ok(RseqArea { start, .. }) = ptrace::rseq_area(tid) else { return true };
    let mut entry = [0; size_of::<u64>()];
    let place = start.0 / PAGE_SIZE * size_of::<u64>() as u64;
    start != RemoteAddr(0)
        && !(process.files.pagemap.read_exact_at(&mut entry, place).is_ok()
            && u64::from_ne_bytes(entry) & (PRESENT | SHARED) == PRESENT)
}

/// Whether every thread of a stopped process was waiting inside a system call.
pub(crate) fn all_wait(process: &Process) -> Step<bool> {
    for tid in process.threads() {
        let mut registers = ptrace::registers(tid).or_trouble(Reason::Registers, "reading registers")?;
        if !arch::rewind_interrupted_call(&mut registers) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a thread of a stopped process has not begun yet: what it is about to set for itself would count as a request's doing.
pub(crate) fn has_newborn(process: &Process) -> Step<bool> {
    for tid in process.threads() {
        let registers = ptrace::registers(tid).or_trouble(Reason::Registers, "reading registers")?;
        if arch::is_newborn(&registers) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Lets the threads of a process that was stopped only to be looked at make the calls again that answer `EINTR` for it,
/// before it is resumed.
pub(crate) fn undisturb(process: &Process) -> Step<()> {
    for tid in process.threads_without_signal() {
        let mut registers = ptrace::registers(tid).or_trouble(Reason::Registers, "reading registers")?;
        if arch::rewind_disturbed_call(&mut registers) {
            ptrace::set_registers(tid, &registers).or_trouble(Reason::Registers, "setting registers")?;
        }
    }
    Ok(())
}

/// Puts all of it back.
pub(crate) fn restore(states: &[ThreadState]) -> Step<()> {
    for state in states {
        ptrace::set_registers(state.tid, &state.registers)
            .or_trouble(Reason::Registers, "setting registers")?;
        ptrace::set_extended_state(state.tid, &state.extended)
            .or_trouble(Reason::Registers, "setting extended registers")?;
        ptrace::set_signal_mask(state.tid, state.signal_mask)
            .or_trouble(Reason::Registers, "setting a signal mask")?;
    }
    Ok(())
}

/// Refuses a thread that keeps a flag which no tracer can set: that the processor can be identified (`RFLAGS.ID`). `flags`: its
/// present ones, where they are known.
pub(crate) fn refuse_kept_flags(state: &ThreadState, flags: Option<u64>) -> Step<()> {
    const IDENTIFICATION: u64 = 1 << 21;
    let now = match flags {
        Some(flags) => flags,
        None => ptrace::registers(state.tid).or_trouble(Reason::Registers, "reading registers")?.eflags,
    };
    if (now ^ state.registers.eflags) & IDENTIFICATION == 0 {
        return Ok(());
    }
    Err(Trouble::Refused(Reason::Registers, format!("thread {} changed a flag that stays", state.tid)))
}

fn robust_list_of(tid: Tid) -> Step<RemoteAddr> {
    robust_list::head(tid).or_trouble(Reason::Registers, "asking for the list of robust futexes")
}

/// Refuses a thread that registered its restartable sequences otherwise: the kernel writes to where they are, and has the thread go on
/// elsewhere if that says so.
pub(crate) fn check_sequences(states: &[ThreadState]) -> Step<()> {
    for state in states {
        // Also one that was only starting at the snapshot: it would register its area a second time.
        if rseq_of(state.tid) != state.rseq {
            let message = format!("thread {} registered its restartable sequences otherwise", state.tid);
            return Err(Trouble::Refused(Reason::Registers, message));
        }
    }
    Ok(())
}

/// Refuses a thread that moved its list of robust futexes, to which the kernel writes. Not of a process that has made itself
/// undumpable, of which nobody may ask.
pub(crate) fn check_robust_lists(states: &[ThreadState]) -> Step<()> {
    for state in states {
        if robust_list_of(state.tid)? != state.robust_list {
            let message = format!("thread {} moved its list of robust futexes", state.tid);
            return Err(Trouble::Refused(Reason::Registers, message));
        }
    }
    Ok(())
}

/// The first thread of which other extended registers are in use than at the snapshot: one that holds its first value may
/// count either way, and a program can ask (`xgetbv`).
pub(crate) fn difference_in_use(states: &[ThreadState]) -> Step<Option<String>> {
    for state in states {
        let now = save_thread(state.tid)?;
        let [before, now] = [&state.extended, &now.extended].map(|area| area.get(arch::EXTENDED_IN_USE));
        if before != now {
            return Ok(Some(format!(
                "thread {}: extended registers in use {before:?}, now {now:?}",
                state.tid
            )));
        }
    }
    Ok(None)
}

/// The first difference between a stopped process's threads and the snapshot, beside [`difference_in_use`].
pub(crate) fn difference(states: &[ThreadState]) -> Step<Option<String>> {
    if let Some(tid) = room_taken(states)? {
        return Ok(Some(format!("thread {tid} has room for large registers, and had none")));
    }
    for state in states {
        let now = save_thread(state.tid)?;
        if let Some(what) = general_difference(&state.registers, &now.registers) {
            return Ok(Some(format!("thread {}: {what}", state.tid)));
        }
        let mut values = (0..state.extended.len()).filter(|at| !arch::EXTENDED_IN_USE.contains(at));
        if let Some(at) = values.find(|at| state.extended[*at] != now.extended[*at]) {
            return Ok(Some(format!("thread {}: byte {at} of its extended registers", state.tid)));
        }
        if state.signal_mask != now.signal_mask {
            return Ok(Some(format!(
                "thread {}: signal mask expected {:#x}, found {:#x}",
                state.tid, state.signal_mask, now.signal_mask
            )));
        }
    }
    Ok(None)
}

fn general_difference(expected: &ptrace::Registers, found: &ptrace::Registers) -> Option<String> {
    macro_rules! compare {
        ($($field:ident),*) => {
            $(if expected.$field != found.$field {
                return Some(format!(
                    "register {} expected {:#x}, found {:#x}", stringify!($field), expected.$field, found.$field
                ));
            })*
        };
    }
    compare!(rip, rsp, rbp, rax, rbx, rcx, rdx, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15);
    compare!(eflags, cs, ss, ds, es, fs, gs, fs_base, gs_base);
    None
}
