//! `ptrace(2)`: following and stopping threads, and their registers.
//!
//! Every request here must come from the thread that seized the tracee; the kernel answers `ESRCH` otherwise,
//! and also when the tracee is not in a ptrace-stop or is gone. So `ESRCH` is an ordinary answer.

use crate::kernel_types::{Errno, RemoteAddr, Result, Tid, check};
use crate::wait::{self, WaitStatus};
use std::ffi::c_void;
use std::mem::{MaybeUninit, size_of};
use std::ptr;

/// The general registers of a stopped thread.
pub type Registers = libc::user_regs_struct;

/// The process is killed when its tracer ends.
pub const EXIT_KILL: i32 = libc::PTRACE_O_EXITKILL;

/// What a seized thread reports, beside its signals.
///
/// The process dies with its tracer (`EXITKILL`), its threads and descendants are followed from their first
/// instruction to their last, and `execve`, system call stops and what a seccomp
/// filter lets us see are told from signals.
pub const FOLLOW_ALL: i32 = libc::PTRACE_O_EXITKILL
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACEEXIT
    | libc::PTRACE_O_TRACESECCOMP
    | libc::PTRACE_O_TRACESYSGOOD;

fn request(op: libc::c_uint, tid: Tid, addr: usize, data: usize) -> Result<i64> {
    // SAFETY: the callers in this file pass, for each request, the address and data that ptrace(2) names for
    // it: either plain numbers or pointers to memory that outlives the call and has the length the kernel uses.
    check(unsafe { libc::ptrace(op, tid.0, addr as *mut c_void, data as *mut c_void) })
}

/// `PTRACE_SEIZE`: becomes the tracer of the thread without stopping it.
///
/// # Errors
/// `EPERM` when this process may not trace it or another one does, `ESRCH` when it is gone.
pub fn seize(tid: Tid, options: i32) -> Result<()> {
    request(libc::PTRACE_SEIZE, tid, 0, options as usize).map(drop)
}

/// `PTRACE_SETOPTIONS`: has a stopped thread that is followed with [`FOLLOW_ALL`], and what it makes, end without a stop before.
///
/// # Errors
/// `ESRCH` when the thread is gone or not stopped.
pub fn end_without_stop(tid: Tid) -> Result<()> {
    request(libc::PTRACE_SETOPTIONS, tid, 0, (FOLLOW_ALL & !libc::PTRACE_O_TRACEEXIT) as usize).map(drop)
}

/// `PTRACE_INTERRUPT`: asks a running thread to stop.
///
/// # Errors
/// `ESRCH` when the thread is gone.
pub fn interrupt(tid: Tid) -> Result<()> {
    request(libc::PTRACE_INTERRUPT, tid, 0, 0).map(drop)
}

/// `PTRACE_CONT`: lets a stopped thread run on, with a signal or (0) without one.
///
/// # Errors
/// `ESRCH` when the thread is gone or not stopped.
pub fn cont(tid: Tid, signal: i32) -> Result<()> {
    request(libc::PTRACE_CONT, tid, 0, signal as usize).map(drop)
}

/// `PTRACE_LISTEN`: leaves a thread in a stop of its whole process, of which its parent is told, until that goes on.
///
/// # Errors
/// `EIO` when it is in no such stop, `ESRCH` when the thread is gone or not stopped.
pub fn listen(tid: Tid) -> Result<()> {
    request(libc::PTRACE_LISTEN, tid, 0, 0).map(drop)
}

/// `PTRACE_SYSCALL`: lets a stopped thread run to the next entry or exit of a system call.
///
/// # Errors
/// `ESRCH` when the thread is gone or not stopped.
pub fn run_to_syscall(tid: Tid) -> Result<()> {
    request(libc::PTRACE_SYSCALL, tid, 0, 0).map(drop)
}

/// `PTRACE_SINGLESTEP`: lets a stopped thread run one instruction, and stop with `SIGTRAP`.
///
/// The kernel forces that signal: if it is ignored or blocked, its disposition becomes the default one.
///
/// # Errors
/// `ESRCH` when the thread is gone or not stopped.
pub fn single_step(tid: Tid) -> Result<()> {
    request(libc::PTRACE_SINGLESTEP, tid, 0, 0).map(drop)
}

/// `PTRACE_DETACH`: ends tracing; the thread runs on.
///
/// # Errors
/// `ESRCH` when the thread is gone or not stopped.
pub fn detach(tid: Tid) -> Result<()> {
    request(libc::PTRACE_DETACH, tid, 0, 0).map(drop)
}

/// `PTRACE_GETEVENTMSG`: the number that belongs to an event stop (the new thread's id after a clone).
///
/// # Errors
/// `ESRCH` when the thread is gone or not stopped.
pub fn event_message(tid: Tid) -> Result<u64> {
    let mut message: libc::c_ulong = 0;
    request(libc::PTRACE_GETEVENTMSG, tid, 0, &raw mut message as usize)?;
    Ok(message)
}

/// `PTRACE_GETSIGINFO`: what describes the stop of a thread; none of a group-stop, which has no signal.
fn signal_info(tid: Tid) -> Result<Option<libc::siginfo_t>> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    match request(libc::PTRACE_GETSIGINFO, tid, 0, info.as_mut_ptr() as usize) {
        Err(Errno(libc::EINVAL)) => return Ok(None),
        result => result?,
    };
    // SAFETY: the kernel filled the structure, and all its bytes were zero before, which is a valid value too.
    Ok(Some(unsafe { info.assume_init() }))
}

/// At which `PTRACE_EVENT_*` the thread is stopped; 0 when it is another kind of stop.
///
/// # Errors
/// `ESRCH` when the thread is gone or not stopped.
pub fn stop_event(tid: Tid) -> Result<i32> {
    let info = signal_info(tid)?.filter(|info| info.si_signo == libc::SIGTRAP);
    Ok(info.map_or(0, |info| info.si_code >> 8))
}

/// What `waitid(2)` tells, or has told to another thread of this program, of a stop.
///
/// # Errors
/// `ESRCH` when the thread is gone or not stopped.
pub fn stopped_at(tid: Tid) -> Result<WaitStatus> {
    let info = signal_info(tid)?;
    Ok(info.map_or(WaitStatus::Stop, |info| wait::of_signal(info.si_signo, info.si_code)))
}

/// The code (`si_code`) of the signal that a thread is stopped at, none for another kind of stop.
///
/// # Errors
/// `ESRCH` when the thread is gone or not stopped.
pub fn signal_code(tid: Tid) -> Result<Option<i32>> {
    Ok(signal_info(tid)?.map(|info| info.si_code))
}

fn get_regset(tid: Tid, kind: i32, buffer: *mut c_void, len: usize) -> Result<usize> {
    let mut vector = libc::iovec { iov_base: buffer, iov_len: len };
    request(libc::PTRACE_GETREGSET, tid, kind as usize, &raw mut vector as usize)?;
    Ok(vector.iov_len)
}

fn set_regset(tid: Tid, kind: i32, buffer: *const c_void, len: usize) -> Result<()> {
    let mut vector = libc::iovec { iov_base: buffer.cast_mut(), iov_len: len };
    request(libc::PTRACE_SETREGSET, tid, kind as usize, &raw mut vector as usize).map(drop)
}

const NT_PRSTATUS: i32 = 1;
const NT_X86_XSTATE: i32 = 0x202;

/// `PTRACE_GETREGSET NT_PRSTATUS`: the general registers, FS and GS base among them.
///
/// # Errors
/// `ESRCH` when the thread is gone or not stopped.
pub fn registers(tid: Tid) -> Result<Registers> {
    let mut registers = MaybeUninit::<Registers>::zeroed();
    let got = get_regset(tid, NT_PRSTATUS, registers.as_mut_ptr().cast(), size_of::<Registers>())?;
    if got != size_of::<Registers>() {
        return Err(Errno(libc::EINVAL)); // a 32-bit thread
    }
    // SAFETY: the structure is plain integers, and the kernel filled all of it.
    let mut registers = unsafe { registers.assume_init() };
    registers.orig_rax = as_kernel_reads(registers.orig_rax);
    Ok(registers)
}

/// The number of a call, of which the kernel looks at the lower half alone; what it keeps of the upper one is whatever the caller had there
/// (`do_syscall_64`, `syscall_get_nr`).
fn as_kernel_reads(number: u64) -> u64 {
    i64::from(number as i32).cast_unsigned()
}

/// `PTRACE_SETREGSET NT_PRSTATUS`: sets the general registers.
///
/// # Errors
/// `ESRCH` when the thread is gone or not stopped, `EIO` or `EINVAL` when a value is not allowed.
pub fn set_registers(tid: Tid, registers: &Registers) -> Result<()> {
    set_regset(tid, NT_PRSTATUS, ptr::from_ref(registers).cast(), size_of::<Registers>())
}

/// `PTRACE_GETREGSET NT_X86_XSTATE`: the whole XSAVE area (x87, SSE, AVX, AVX-512, PKRU, AMX).
///
/// `buffer` is grown to the size that this processor has; its length afterwards is the area's.
///
/// # Errors
/// `ESRCH` when the thread is gone or not stopped.
pub fn extended_state(tid: Tid, buffer: &mut Vec<u8>) -> Result<()> {
    if buffer.is_empty() {
        buffer.resize(16 * 1024, 0);
    }
    loop {
        let got = get_regset(tid, NT_X86_XSTATE, buffer.as_mut_ptr().cast(), buffer.len())?;
        if got < buffer.len() {
            buffer.truncate(got);
            return Ok(());
        }
        // Exactly full: there may be more.
        let larger = buffer.len() * 2;
        buffer.resize(larger, 0);
    }
}

/// `PTRACE_SETREGSET NT_X86_XSTATE`: sets what [`extended_state`] read.
///
/// # Errors
/// `ESRCH` when the thread is gone or not stopped.
pub fn set_extended_state(tid: Tid, area: &[u8]) -> Result<()> {
    set_regset(tid, NT_X86_XSTATE, area.as_ptr().cast(), area.len())
}

const PTRACE_GETSIGMASK: libc::c_uint = 0x420a;
const PTRACE_SETSIGMASK: libc::c_uint = 0x420b;

/// `PTRACE_GETSIGMASK`: the signals that the thread blocks, bit n-1 for signal n.
///
/// # Errors
/// `ESRCH` when the thread is gone or not stopped.
pub fn signal_mask(tid: Tid) -> Result<u64> {
    let mut mask = 0_u64;
    request(PTRACE_GETSIGMASK, tid, size_of::<u64>(), &raw mut mask as usize)?;
    Ok(mask)
}

/// `PTRACE_SETSIGMASK`: sets the signals that the thread blocks.
///
/// # Errors
/// `ESRCH` when the thread is gone or not stopped.
pub fn set_signal_mask(tid: Tid, mask: u64) -> Result<()> {
    request(PTRACE_SETSIGMASK, tid, size_of::<u64>(), &raw const mask as usize).map(drop)
}

/// Where a thread registered its restartable sequences area, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RseqArea {
    /// The address of `struct rseq`; 0 when none is registered.
    pub start: RemoteAddr,
    /// Its length in bytes.
    pub len: u32,
    /// What stands before each place where a sequence goes on, and whoever takes the area away has to know.
    pub signature: u32,
}

const PTRACE_GET_RSEQ_CONFIGURATION: libc::c_uint = 0x420f;

/// `PTRACE_GET_RSEQ_CONFIGURATION` (Linux 5.13): the thread's restartable sequences area.
///
/// # Errors
/// `EIO` or `EINVAL` on kernels without it, `ESRCH` when the thread is gone or not stopped.
pub fn rseq_area(tid: Tid) -> Result<RseqArea> {
    #[repr(C)]
    #[derive(Default)]
    struct Configuration {
        pointer: u64,
        size: u32,
        signature: u32,
        flags: u32,
        pad: u32,
    }
    let mut configuration = Configuration::default();
    request(PTRACE_GET_RSEQ_CONFIGURATION, tid, size_of::<Configuration>(), &raw mut configuration as usize)?;
    let Configuration { pointer, size, signature, .. } = configuration;
    Ok(RseqArea { start: RemoteAddr(pointer), len: size, signature })
}

/// `PTRACE_PEEKSIGINFO`: whether a signal is pending, for the thread alone or for its whole process.
///
/// # Errors
/// `ESRCH` when the thread is gone or not stopped.
pub fn has_pending_signal(tid: Tid, whole_process: bool) -> Result<bool> {
    #[repr(C)]
    struct Arguments {
        offset: u64,
        flags: u32,
        count: i32,
    }
    const PEEKSIGINFO_SHARED: u32 = 1;
    let arguments =
        Arguments { offset: 0, flags: if whole_process { PEEKSIGINFO_SHARED } else { 0 }, count: 1 };
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let count =
        request(libc::PTRACE_PEEKSIGINFO, tid, &raw const arguments as usize, info.as_mut_ptr() as usize)?;
    Ok(count > 0)
}

/// Registers that are all zero, for tests and as a starting point.
#[must_use]
pub fn empty_registers() -> Registers {
    // SAFETY: the structure is plain integers, for which zero is a valid value.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_number_of_a_call_the_lower_half_counts() {
        assert_eq!(as_kernel_reads(0x1_0000_000b), 11);
        assert_eq!(as_kernel_reads(0xdead_beef_0000_000b), 11);
        assert_eq!(as_kernel_reads(0xffff_ffff), u64::MAX);
        assert_eq!(as_kernel_reads(u64::MAX), u64::MAX);
    }
}
