//! Calls of a request that change what the kernel keeps of the process and a restore cannot put back.
//!
//! A seccomp program, installed at the snapshot, lets each of them stop for us on its way. They work as ever, and cost
//! nothing to a request that makes none; but a process that made one is not restored, it is replaced. Warm-up may do what
//! it likes.

use crate::filter::{self, Rules, when};
use groundhog_sys::ptrace::Registers;
use seccompiler::{BackendError, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

/// What the program says in the message of its stop.
pub(crate) const STATE: u64 = 2;

/// Always: number and name.
const ALWAYS: [(i64, &str); 59] = [
    (29, "shmget"),
    (37, "alarm"),
    (38, "setitimer"),
    (64, "semget"),
    (68, "msgget"),
    (80, "chdir"),
    (81, "fchdir"),
    (95, "umask"),
    (105, "setuid"),
    (106, "setgid"),
    (109, "setpgid"),
    (112, "setsid"),
    (113, "setreuid"),
    (114, "setregid"),
    (116, "setgroups"),
    (117, "setresuid"),
    (119, "setresgid"),
    (122, "setfsuid"),
    (123, "setfsgid"),
    (126, "capset"),
    (141, "setpriority"),
    (142, "sched_setparam"),
    (144, "sched_setscheduler"),
    (149, "mlock"),
    (150, "munlock"),
    (151, "mlockall"),
    (152, "munlockall"),
    (154, "modify_ldt"),
    (155, "pivot_root"),
    (160, "setrlimit"),
    (161, "chroot"),
    (172, "iopl"),
    (173, "ioperm"),
    (203, "sched_setaffinity"),
    (205, "set_thread_area"),
    (218, "set_tid_address"),
    (222, "timer_create"),
    (223, "timer_settime"),
    (226, "timer_delete"),
    (237, "mbind"),
    (238, "set_mempolicy"),
    (240, "mq_open"),
    (248, "add_key"),
    (249, "request_key"),
    (250, "keyctl"),
    (251, "ioprio_set"),
    (254, "inotify_add_watch"),
    (255, "inotify_rm_watch"),
    (256, "migrate_pages"),
    (272, "unshare"),
    (273, "set_robust_list"),
    (279, "move_pages"),
    (286, "timerfd_settime"),
    (301, "fanotify_mark"),
    (308, "setns"),
    (314, "sched_setattr"),
    (325, "mlock2"),
    (450, "set_mempolicy_home_node"),
    (446, "landlock_restrict_self"),
];

/// When an argument is not the one with which the call only asks: number, name, argument, that value.
const UNLESS: [(i64, &str, u8, u64); 5] = [
    (RT_SIGACTION, "rt_sigaction", 1, 0),
    (131, "sigaltstack", 0, 0),
    (135, "personality", 0, 0xffff_ffff),
    (302, "prlimit64", 2, 0),
    (CLOSE_RANGE, "close_range", 2, 0),
];

const CLOSE: i64 = 3;
const RT_SIGACTION: i64 = 13;
const IOCTL: i64 = 16;
const DUP2: i64 = 33;
const FCNTL: i64 = 72;
const DUP3: i64 = 292;
const CLOSE_RANGE: i64 = 436;
const F_SETFD: u64 = 2;
const FIONCLEX: u64 = 0x5450;
const FIOCLEX: u64 = 0x5451;

/// `prctl` operations that set something (`linux/prctl.h`); `PR_SET_SECCOMP` and `PR_SET_VMA` are watched elsewhere.
const PRCTL: i64 = 157;
const PR_SET_NAME: u64 = 15;
const PRCTL_OPERATIONS: [u64; 26] = [
    1,  // PR_SET_PDEATHSIG
    4,  // PR_SET_DUMPABLE
    6,  // PR_SET_UNALIGN
    8,  // PR_SET_KEEPCAPS
    10, // PR_SET_FPEMU
    12, // PR_SET_FPEXC
    14, // PR_SET_TIMING
    PR_SET_NAME,
    20,          // PR_SET_ENDIAN
    24,          // PR_CAPBSET_DROP
    26,          // PR_SET_TSC
    28,          // PR_SET_SECUREBITS
    29,          // PR_SET_TIMERSLACK
    33,          // PR_MCE_KILL
    36,          // PR_SET_CHILD_SUBREAPER
    41,          // PR_SET_THP_DISABLE
    47,          // PR_CAP_AMBIENT
    53,          // PR_SET_SPECULATION_CTRL
    54,          // PR_PAC_RESET_KEYS
    55,          // PR_SET_TAGGED_ADDR_CTRL
    57,          // PR_SET_IO_FLUSHER
    59,          // PR_SET_SYSCALL_USER_DISPATCH
    62,          // PR_SCHED_CORE
    65,          // PR_SET_MDWE
    67,          // PR_SET_MEMORY_MERGE
    0x5961_6d61, // PR_SET_PTRACER
];

/// On a descriptor of the snapshot: number, name, which argument is the descriptor.
const ON_DESCRIPTOR: [(i64, &str, u8); 9] = [
    (CLOSE, "close", 0),
    (DUP2, "dup2", 1),
    (42, "connect", 0),
    (48, "shutdown", 0),
    (49, "bind", 0),
    (50, "listen", 0),
    (54, "setsockopt", 0),
    (73, "flock", 0),
    (DUP3, "dup3", 1),
];

/// With this second argument on a descriptor of the snapshot: number, name, values.
const FCNTL_COMMANDS: [u64; 12] = [
    F_SETFD, 6,    // F_SETLK
    7,    // F_SETLKW
    8,    // F_SETOWN
    10,   // F_SETSIG
    15,   // F_SETOWN_EX
    37,   // F_OFD_SETLK
    38,   // F_OFD_SETLKW
    1024, // F_SETLEASE
    1026, // F_NOTIFY
    1031, // F_SETPIPE_SZ
    1033, // F_ADD_SEALS
];
const IOCTL_COMMANDS: [u64; 5] = [
    FIONCLEX, FIOCLEX, 0x5452, // FIOASYNC
    0x8901, // FIOSETOWN
    0x8902, // SIOCSPGRP
];
const WITH_COMMAND: [(i64, &str, &[u64]); 2] =
    [(FCNTL, "fcntl", &FCNTL_COMMANDS), (IOCTL, "ioctl", &IOCTL_COMMANDS)];

/// The x32 convention's mark in a call's number.
const X32: u64 = 0x4000_0000;

/// More gaps than this between descriptors, and the numbers in the gaps count as the snapshot's too.
const MOST_RANGES: usize = 4;

/// Ascending numbers as ranges, first and last.
fn ranges(numbers: &[i32]) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for number in numbers.iter().map(|number| *number as u64) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    if ranges.len() > MOST_RANGES {
        let (first, last) = (ranges[0].0, ranges[ranges.len() - 1].1);
        ranges = vec![(first, last)];
    }
    ranges
}

/// The program for a process that has these descriptors.
pub(crate) fn program(descriptors: &[i32]) -> Result<Vec<u64>, BackendError> {
    let descriptors = ranges(descriptors);
    let condition =
        |argument, operator, value| SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value);
    let mut rules: Rules = ALWAYS.iter().map(|(call, _)| (*call, vec![])).collect();
    for (call, _, argument, asking) in UNLESS {
        rules.push((call, when(argument, SeccompCmpOp::Ne, asking)?));
    }
    let mut prctl = Vec::new();
    for operation in PRCTL_OPERATIONS {
        prctl.extend(when(0, SeccompCmpOp::Eq, operation)?);
    }
    rules.push((PRCTL, prctl));
    for (call, _, argument) in ON_DESCRIPTOR {
        let mut each = Vec::new();
        for (first, last) in &descriptors {
            each.push(SeccompRule::new(vec![
                condition(argument, SeccompCmpOp::Ge, *first)?,
                condition(argument, SeccompCmpOp::Le, *last)?,
            ])?);
        }
        rules.push((call, each));
    }
    for (call, _, commands) in WITH_COMMAND {
        let mut each = Vec::new();
        for (first, last) in &descriptors {
            for command in commands {
                each.push(SeccompRule::new(vec![
                    condition(0, SeccompCmpOp::Ge, *first)?,
                    condition(0, SeccompCmpOp::Le, *last)?,
                    condition(1, SeccompCmpOp::Eq, *command)?,
                ])?);
            }
        }
        rules.push((call, each));
    }
    rules.retain(|(call, each)| !each.is_empty() || ALWAYS.iter().any(|(always, _)| always == call));
    filter::tracing_program(rules, STATE)
}

/// What a seen call means for the restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Harmless,
    /// The action of this signal is to be set back.
    SignalAction(u64),
    /// Descriptors of the snapshot are to be looked at one by one.
    Descriptors,
    /// It cannot be put back: the call's name.
    Final(&'static str),
}

/// Judges the call that a stopped thread is about to make.
///
/// What a new thread sets for itself is gone when it is ended, and runtimes do so in every thread that they start.
pub(crate) fn judge(registers: &Registers, new_thread: bool) -> Verdict {
    let number = (registers.orig_rax & !X32).cast_signed();
    if number == RT_SIGACTION {
        return Verdict::SignalAction(registers.rdi & 0xffff_ffff);
    }
    let sets_descriptor = match number {
        CLOSE | DUP2 | DUP3 | CLOSE_RANGE => true,
        FCNTL => registers.rsi == F_SETFD,
        IOCTL => matches!(registers.rsi, FIONCLEX | FIOCLEX),
        _ => false,
    };
    if sets_descriptor {
        return Verdict::Descriptors;
    }
    let own = match number {
        131 | 218 | 238 | 273 => true,
        PRCTL => registers.rdi == PR_SET_NAME,
        _ => false,
    };
    if own && new_thread {
        return Verdict::Harmless;
    }
    let names = ALWAYS.iter().map(|(call, name)| (*call, *name));
    let names = names.chain(UNLESS.iter().map(|(call, name, ..)| (*call, *name)));
    let names = names.chain(ON_DESCRIPTOR.iter().map(|(call, name, _)| (*call, *name)));
    let mut names = names.chain(WITH_COMMAND.iter().map(|(call, name, _)| (*call, *name)));
    Verdict::Final(names.find(|(call, _)| *call == number).map_or("prctl", |(_, name)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calling(number: u64, first: u64) -> Registers {
        let mut registers = groundhog_sys::ptrace::empty_registers();
        (registers.orig_rax, registers.rdi) = (number, first);
        registers
    }

    #[test]
    fn the_program_is_short_enough_for_the_kernel_with_many_descriptors() {
        const BPF_MAXINSNS: usize = 4096;
        let descriptors: Vec<i32> = (0..40).flat_map(|at| [at * 5, at * 5 + 1]).collect();
        let program = program(&descriptors).expect("the rules are fixed");
        assert!((100..BPF_MAXINSNS).contains(&program.len()), "{}", program.len());
    }

    #[test]
    fn descriptors_become_ranges() {
        assert_eq!(ranges(&[0, 1, 2, 3, 7, 9, 10]), [(0, 3), (7, 7), (9, 10)]);
        assert_eq!(ranges(&[0, 2, 4, 6, 8]), [(0, 8)]);
        assert_eq!(ranges(&[]), []);
    }

    #[test]
    fn calls_are_known_by_name() {
        assert_eq!(judge(&calling(38, 0), false), Verdict::Final("setitimer"));
        assert_eq!(judge(&calling(157, 4), true), Verdict::Final("prctl"));
        assert_eq!(judge(&calling(FCNTL.cast_unsigned() | X32, 3), false), Verdict::Final("fcntl"));
    }

    #[test]
    fn what_becomes_of_descriptors_can_be_looked_at() {
        assert_eq!(judge(&calling(33, 1), false), Verdict::Descriptors);
        let mut setting_the_flag = calling(72, 3);
        setting_the_flag.rsi = F_SETFD;
        assert_eq!(judge(&setting_the_flag, false), Verdict::Descriptors);
    }

    #[test]
    fn a_signals_action_can_be_set_back() {
        assert_eq!(judge(&calling(13, 33), true), Verdict::SignalAction(33));
    }

    #[test]
    fn what_a_new_thread_sets_for_itself_does_not_count() {
        assert_eq!(judge(&calling(157, PR_SET_NAME), true), Verdict::Harmless);
        assert_eq!(judge(&calling(131, 1), true), Verdict::Harmless);
        assert_eq!(judge(&calling(157, PR_SET_NAME), false), Verdict::Final("prctl"));
    }
}
