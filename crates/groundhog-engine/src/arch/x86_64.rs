//! What is particular to x86-64: system call numbers, the instruction, and restarting interrupted calls.

use groundhog_sys::ptrace::Registers;

/// The `syscall` instruction.
pub(crate) const SYSCALL_INSTRUCTION: [u8; 2] = [0x0f, 0x05];

/// One past the highest address of a process.
pub(crate) const ADDRESS_SPACE_END: u64 = 0x7fff_ffff_f000;

/// Where the extended registers say which of them are in use (`XSTATE_BV`: Intel SDM, volume 1, 13.4.2).
pub(crate) const EXTENDED_IN_USE: std::ops::Range<usize> = 512..520;

/// Where the kernel says in them which ones it knows (`USER_XSTATE_XCR0_WORD`).
pub(crate) const EXTENDED_KNOWN: std::ops::Range<usize> = 464..472;

/// Those for which a thread gets room with their first use: the tiles of AMX (`XFEATURE_XTILE_DATA`).
pub(crate) const LARGE_REGISTERS: u64 = 1 << 18;

/// System call numbers (`asm/unistd_64.h`).
pub(crate) mod call {
    pub(crate) const OPEN: u64 = 2;
    pub(crate) const CLOSE: u64 = 3;
    pub(crate) const MMAP: u64 = 9;
    pub(crate) const MPROTECT: u64 = 10;
    pub(crate) const MUNMAP: u64 = 11;
    pub(crate) const BRK: u64 = 12;
    pub(crate) const RT_SIGACTION: u64 = 13;
    pub(crate) const MREMAP: u64 = 25;
    pub(crate) const MADVISE: u64 = 28;
    pub(crate) const SHMCTL: u64 = 31;
    pub(crate) const GETITIMER: u64 = 36;
    pub(crate) const SETITIMER: u64 = 38;
    pub(crate) const GETPID: u64 = 39;
    pub(crate) const SENDFILE: u64 = 40;
    pub(crate) const RECVMSG: u64 = 47;
    pub(crate) const SOCKETPAIR: u64 = 53;
    pub(crate) const CLONE: u64 = 56;
    pub(crate) const EXIT: u64 = 60;
    pub(crate) const WAIT4: u64 = 61;
    pub(crate) const KILL: u64 = 62;
    pub(crate) const FCNTL: u64 = 72;
    pub(crate) const FCHDIR: u64 = 81;
    pub(crate) const UMASK: u64 = 95;
    pub(crate) const RT_SIGTIMEDWAIT: u64 = 128;
    pub(crate) const SIGALTSTACK: u64 = 131;
    pub(crate) const PERSONALITY: u64 = 135;
    pub(crate) const MUNLOCKALL: u64 = 152;
    pub(crate) const PRCTL: u64 = 157;
    pub(crate) const ARCH_PRCTL: u64 = 158;
    pub(crate) const FUTEX: u64 = 202;
    pub(crate) const SET_TID_ADDRESS: u64 = 218;
    pub(crate) const TIMER_CREATE: u64 = 222;
    pub(crate) const TIMER_SETTIME: u64 = 223;
    pub(crate) const TIMER_GETTIME: u64 = 224;
    pub(crate) const TIMER_DELETE: u64 = 226;
    pub(crate) const EPOLL_WAIT: u64 = 232;
    pub(crate) const EPOLL_CTL: u64 = 233;
    pub(crate) const GET_MEMPOLICY: u64 = 239;
    pub(crate) const WAITID: u64 = 247;
    pub(crate) const SET_ROBUST_LIST: u64 = 273;
    pub(crate) const DUP3: u64 = 292;
    pub(crate) const SECCOMP: u64 = 317;
    pub(crate) const MEMFD_CREATE: u64 = 319;
    pub(crate) const USERFAULTFD: u64 = 323;
    pub(crate) const MEMBARRIER: u64 = 324;
    pub(crate) const CLONE3: u64 = 435;
}

// The kernel's own codes for calls that a signal or a trace stop interrupted (include/linux/errno.h).
const ERESTARTSYS: i64 = 512;
const ERESTARTNOINTR: i64 = 513;
const ERESTARTNOHAND: i64 = 514;
const ERESTART_RESTARTBLOCK: i64 = 516;
const EINTR: i64 = 4;

/// Calls that answer `EINTR` when a trace stop interrupts them, which no program expects, and that may simply be
/// made again: they wait and change nothing (signal(7), "Interruption of system calls by stop signals").
const WAITING_CALLS: [u64; 23] = [
    0,   // read, of inotify and of sockets with a time-out
    7,   // poll
    19,  // readv
    23,  // select
    34,  // pause
    43,  // accept
    45,  // recvfrom
    47,  // recvmsg
    65,  // semop
    128, // rt_sigtimedwait
    130, // rt_sigsuspend
    202, // futex
    208, // io_getevents
    219, // restart_syscall
    220, // semtimedop
    230, // clock_nanosleep
    232, // epoll_wait
    270, // pselect6
    271, // ppoll
    281, // epoll_pwait
    288, // accept4
    299, // recvmmsg
    441, // epoll_pwait2
];

const RESTART_SYSCALL: u64 = 219;

/// Calls that the kernel goes on with in its own way (`restart_block`), which it notes for that when they are interrupted.
const CONTINUED_CALLS: [u64; 5] = [
    7,   // poll
    35,  // nanosleep
    202, // futex
    RESTART_SYSCALL,
    230, // clock_nanosleep
];

/// Whether a stopped thread was interrupted in a call that it may go on with by `restart_syscall`.
///
/// Not where another call answers what looks like it, such as `lseek` with a place in `/proc/self/mem`: the kernel would go on with
/// whatever was interrupted before.
pub(crate) fn may_continue(registers: &Registers) -> bool {
    registers.rax.cast_signed() == -ERESTART_RESTARTBLOCK && CONTINUED_CALLS.contains(&registers.orig_rax)
}

/// Rewinds a thread that was stopped inside an interrupted system call, so that it makes the call again.
///
/// The kernel would restart most of these by itself, but only from the stop at which it set the code, and a restored
/// thread may leave another kind of stop. A call with a relative time-out starts that anew. Returns whether the
/// thread was in such a call.
pub(crate) fn rewind_interrupted_call(registers: &mut Registers) -> bool {
    let number = registers.orig_rax;
    if number.cast_signed() < 0 {
        return false;
    }
    let restart = match -registers.rax.cast_signed() {
        ERESTARTSYS | ERESTARTNOINTR | ERESTARTNOHAND | ERESTART_RESTARTBLOCK => true,
        EINTR => WAITING_CALLS.contains(&number),
        _ => false,
    };
    if restart && number == RESTART_SYSCALL {
        // What it continues is known to the kernel only, and gone after the next call: say "interrupted".
        registers.rax = (-EINTR).cast_unsigned();
    } else if restart {
        registers.rip -= SYSCALL_INSTRUCTION.len() as u64;
        registers.rax = number;
    }
    // No longer inside a call: the kernel must not apply its own restart rules to what we set.
    registers.orig_rax = u64::MAX;
    restart
}

/// Rewinds a thread that we stopped only to look at it. What the kernel restarts in its own way stays its own.
///
/// Left alone, a call with a time-out would go on as `restart_syscall`, of which a later snapshot could not say what it
/// was. Returns whether the thread was in a call.
pub(crate) fn rewind_disturbed_call(registers: &mut Registers) -> bool {
    registers.orig_rax != RESTART_SYSCALL && rewind_interrupted_call(registers)
}

/// Whether a thread has not yet come back from the call that made it.
pub(crate) fn is_newborn(registers: &Registers) -> bool {
    matches!(registers.orig_rax, call::CLONE | call::CLONE3) && registers.rax == 0
}

/// Prepares a call: the registers of a thread that stands at a `syscall` instruction.
pub(crate) fn set_call(registers: &mut Registers, instruction: u64, number: u64, arguments: [u64; 6]) {
    registers.rip = instruction;
    registers.rax = number;
    registers.orig_rax = u64::MAX;
    registers.rdi = arguments[0];
    registers.rsi = arguments[1];
    registers.rdx = arguments[2];
    registers.r10 = arguments[3];
    registers.r8 = arguments[4];
    registers.r9 = arguments[5];
    registers.rcx = 0;
}

/// Whether a thread stands behind the instruction of [`set_call`] because it has made the call: the processor leaves in a register
/// where the caller goes on, as no jump to that place does.
pub(crate) fn has_made_call(registers: &Registers, instruction: u64) -> bool {
    let behind = instruction + SYSCALL_INSTRUCTION.len() as u64;
    registers.rip == behind && registers.rcx == behind
}

/// Whether a thread that is about to make a call is about to make this one.
pub(crate) fn makes_call(registers: &Registers, instruction: u64, number: u64, arguments: [u64; 6]) -> bool {
    let now = [registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9];
    registers.rip == instruction + SYSCALL_INSTRUCTION.len() as u64
        && registers.orig_rax == number
        && now == arguments
}

/// Words of a call in the list that [`CALLING_LIST`] goes through: its number, its arguments, and room for its result.
pub(crate) const WORDS_OF_LISTED_CALL: usize = 8;

/// Makes the calls of a list, one after the other, and traps.
pub(crate) const CALLING_LIST: [u8; 43] = [
    0x48, 0x8b, 0x03, // next: mov rax, [rbx]
    0x48, 0x8b, 0x7b, 0x08, // mov rdi, [rbx + 8]
    0x48, 0x8b, 0x73, 0x10, // mov rsi, [rbx + 16]
    0x48, 0x8b, 0x53, 0x18, // mov rdx, [rbx + 24]
    0x4c, 0x8b, 0x53, 0x20, // mov r10, [rbx + 32]
    0x4c, 0x8b, 0x43, 0x28, // mov r8, [rbx + 40]
    0x4c, 0x8b, 0x4b, 0x30, // mov r9, [rbx + 48]
    0x0f, 0x05, // syscall
    0x48, 0x89, 0x43, 0x38, // mov [rbx + 56], rax
    0x48, 0x83, 0xc3, 0x40, // add rbx, 64
    0x48, 0xff, 0xcd, // dec rbp
    0x75, 0xd6, // jnz next
    0xcc, // int3
];

/// Prepares a list of calls: the registers of a thread that stands at [`CALLING_LIST`].
pub(crate) fn set_list(registers: &mut Registers, code: u64, list: u64, calls: u64) {
    registers.rip = code;
    registers.orig_rax = u64::MAX;
    registers.rbx = list;
    registers.rbp = calls;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped_in(number: u64, result: i64) -> Registers {
        // A valid value for plain integers without unsafe: an empty structure is not to be had otherwise.
        let mut registers = groundhog_sys::ptrace::empty_registers();
        registers.orig_rax = number;
        registers.rax = result.cast_unsigned();
        registers.rip = 0x1002;
        registers
    }

    #[test]
    fn a_read_interrupted_by_the_stop_is_made_again() {
        let mut registers = stopped_in(0, -ERESTARTSYS);
        assert!(rewind_interrupted_call(&mut registers));
        assert_eq!((registers.rip, registers.rax, registers.orig_rax), (0x1000, 0, u64::MAX));
    }

    #[test]
    fn epoll_wait_is_made_again_although_it_answers_eintr() {
        let mut registers = stopped_in(232, -EINTR);
        assert!(rewind_interrupted_call(&mut registers));
        assert_eq!((registers.rip, registers.rax), (0x1000, 232));
    }

    #[test]
    fn a_look_leaves_alone_what_only_the_kernel_can_restart() {
        let mut sleeping = stopped_in(35, -ERESTART_RESTARTBLOCK);
        assert!(rewind_disturbed_call(&mut sleeping));
        assert_eq!((sleeping.rip, sleeping.rax), (0x1000, 35));
        let mut restarted = stopped_in(RESTART_SYSCALL, -ERESTART_RESTARTBLOCK);
        assert!(!rewind_disturbed_call(&mut restarted));
        assert_eq!((restarted.rip, restarted.orig_rax), (0x1002, RESTART_SYSCALL));
    }

    #[test]
    fn only_what_the_kernel_has_noted_is_gone_on_with() {
        assert!(may_continue(&stopped_in(35, -ERESTART_RESTARTBLOCK)));
        assert!(may_continue(&stopped_in(RESTART_SYSCALL, -ERESTART_RESTARTBLOCK)));
        assert!(!may_continue(&stopped_in(35, -ERESTARTSYS)));
        // lseek, to a place of that number
        assert!(!may_continue(&stopped_in(8, -ERESTART_RESTARTBLOCK)));
        assert!(!may_continue(&stopped_in(u64::MAX, -ERESTART_RESTARTBLOCK)));
    }

    #[test]
    fn a_write_that_was_really_interrupted_keeps_its_answer() {
        let mut registers = stopped_in(1, -EINTR);
        assert!(!rewind_interrupted_call(&mut registers));
        assert_eq!((registers.rip, registers.rax), (0x1002, (-EINTR).cast_unsigned()));
    }

    #[test]
    fn a_restarted_call_that_only_the_kernel_knows_becomes_interrupted() {
        let mut registers = stopped_in(RESTART_SYSCALL, -ERESTART_RESTARTBLOCK);
        assert!(rewind_interrupted_call(&mut registers));
        assert_eq!((registers.rip, registers.rax), (0x1002, (-EINTR).cast_unsigned()));
    }

    #[test]
    fn a_jump_behind_the_instruction_is_no_call() {
        let mut registers = stopped_in(u64::MAX, 0);
        registers.rcx = 0x1002;
        set_call(&mut registers, 0x1000, call::BRK, [0; 6]);
        registers.rip = 0x1002;
        assert!(!has_made_call(&registers, 0x1000));
        registers.rcx = 0x1002;
        assert!(has_made_call(&registers, 0x1000) && !has_made_call(&registers, 0x2000));
    }

    #[test]
    fn another_call_from_the_same_place_is_another() {
        let mut registers = stopped_in(call::RT_SIGACTION, 0);
        registers.rdi = 12;
        let makes = |number, signal| makes_call(&registers, 0x1000, number, [signal, 0, 0, 0, 0, 0]);
        assert!(makes(call::RT_SIGACTION, 12) && !makes(call::RT_SIGACTION, 10) && !makes(call::BRK, 12));
    }

    #[test]
    fn a_thread_in_its_own_code_is_left_alone() {
        let mut registers = stopped_in(u64::MAX, -ERESTARTSYS);
        assert!(!rewind_interrupted_call(&mut registers));
        assert_eq!(registers.rip, 0x1002);
    }
}
