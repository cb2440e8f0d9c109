//! Which calls are seen: the tables, and the seccomp program that is made of them.

use super::kinds::{RT_SIGRETURN, SIGALTSTACK};
use crate::error::Error;
use crate::syscalls::filter::{self, Rules, when};
use seccompiler::{BackendError, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

/// What the program says in the message of its stop.
pub(crate) const STATE: u64 = 2;

/// Always: number and name.
pub(super) const ALWAYS: [(i64, &str); 87] = [
    (RT_SIGRETURN, "rt_sigreturn"),
    (29, "shmget"),
    (SHMAT, "shmat"),
    (31, "shmctl"),
    (37, "alarm"),
    (38, "setitimer"),
    (SENDMSG, "sendmsg"),
    (KILL, "kill"),
    (64, "semget"),
    (66, "semctl"),
    (68, "msgget"),
    (69, "msgsnd"),
    (71, "msgctl"),
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
    (RT_SIGQUEUEINFO, "rt_sigqueueinfo"),
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
    (165, "mount"),
    (166, "umount2"),
    (170, "sethostname"),
    (171, "setdomainname"),
    (172, "iopl"),
    (173, "ioperm"),
    (TKILL, "tkill"),
    (203, "sched_setaffinity"),
    (205, "set_thread_area"),
    (218, "set_tid_address"),
    (222, "timer_create"),
    (223, "timer_settime"),
    (226, "timer_delete"),
    (TGKILL, "tgkill"),
    (237, "mbind"),
    (238, "set_mempolicy"),
    (240, "mq_open"),
    (241, "mq_unlink"),
    (242, "mq_timedsend"),
    (244, "mq_notify"),
    (245, "mq_getsetattr"),
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
    (RT_TGSIGQUEUEINFO, "rt_tgsigqueueinfo"),
    (301, "fanotify_mark"),
    (SENDMMSG, "sendmmsg"),
    (308, "setns"),
    (314, "sched_setattr"),
    (325, "mlock2"),
    (PIDFD_SEND_SIGNAL, "pidfd_send_signal"),
    (428, "open_tree"),
    (429, "move_mount"),
    (430, "fsopen"),
    (432, "fsmount"),
    (CLOSE_RANGE, "close_range"),
    (442, "mount_setattr"),
    (450, "set_mempolicy_home_node"),
    (446, "landlock_restrict_self"),
];

/// When an argument is not the one with which the call only asks: number, name, argument, that value.
pub(super) const UNLESS: [(i64, &str, u8, u64); 4] = [
    (RT_SIGACTION, "rt_sigaction", 1, 0),
    (SIGALTSTACK, "sigaltstack", 0, 0),
    (135, "personality", 0, 0xffff_ffff),
    (302, "prlimit64", 2, 0),
];
/// Those of [`UNLESS`] whose argument is a pointer, all of which counts.
pub(super) const BY_POINTER: [i64; 3] = [RT_SIGACTION, SIGALTSTACK, 302];

pub(super) const CLOSE: i64 = 3;
pub(super) const BIND: i64 = 49;
pub(super) const RT_SIGACTION: i64 = 13;
pub(super) const IOCTL: i64 = 16;
pub(super) const DUP: i64 = 32;
pub(super) const DUP2: i64 = 33;
pub(super) const SHMAT: i64 = 30;
pub(super) const SENDMSG: i64 = 46;
pub(super) const SENDMMSG: i64 = 307;
pub(super) const SHUTDOWN: i64 = 48;
pub(super) const KILL: i64 = 62;
pub(super) const FCNTL: i64 = 72;
pub(super) const RT_SIGQUEUEINFO: i64 = 129;
pub(super) const TKILL: i64 = 200;
pub(super) const EPOLL_CTL: i64 = 233;
pub(super) const TGKILL: i64 = 234;
pub(super) const DUP3: i64 = 292;
pub(super) const RT_TGSIGQUEUEINFO: i64 = 297;
pub(super) const PIDFD_SEND_SIGNAL: i64 = 424;
pub(super) const CLOSE_RANGE: i64 = 436;
pub(super) const CLOSE_RANGE_UNSHARE: u64 = 2;
pub(super) const F_DUPFD: u64 = 0;
pub(super) const F_DUPFD_CLOEXEC: u64 = 1030;
pub(super) const F_SETFD: u64 = 2;
pub(super) const F_SETFL: u64 = 4;
pub(super) const FIONBIO: u64 = 0x5421;
pub(super) const FIOASYNC: u64 = 0x5452;
const F_NOTIFY: u64 = 1026;
const F_ADD_SEALS: u64 = 1033;
/// What cannot be taken back.
pub(super) const FINAL_COMMANDS: [u64; 2] = [F_NOTIFY, F_ADD_SEALS];
pub(super) const FLOCK: i64 = 73;
pub(super) const FIONCLEX: u64 = 0x5450;
pub(super) const FIOCLEX: u64 = 0x5451;

/// `prctl` operations that set something (`linux/prctl.h`); `PR_SET_SECCOMP` and `PR_SET_VMA` are watched elsewhere.
pub(super) const PRCTL: i64 = 157;
pub(super) const PR_SET_NAME: u64 = 15;
pub(super) const PRCTL_OPERATIONS: [u64; 29] = [
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
    35,          // PR_SET_MM
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
    77,          // PR_TIMER_CREATE_RESTORE_IDS
    78,          // PR_FUTEX_HASH
    0x5961_6d61, // PR_SET_PTRACER
];

/// On a descriptor of the snapshot: number, name, which argument is the descriptor.
pub(super) const ON_DESCRIPTOR: [(i64, &str, u8); 13] = [
    (CLOSE, "close", 0),
    (DUP, "dup", 0),
    (DUP2, "dup2", 0),
    (DUP2, "dup2", 1),
    (42, "connect", 0),
    (SHUTDOWN, "shutdown", 0),
    (BIND, "bind", 0),
    (50, "listen", 0),
    (54, "setsockopt", 0),
    (FLOCK, "flock", 0),
    (EPOLL_CTL, "epoll_ctl", 2),
    (DUP3, "dup3", 0),
    (DUP3, "dup3", 1),
];

/// On a socket that does not tell what went through it: number, name, which argument is the descriptor.
pub(super) const TRANSFERS: [(i64, &str, u8); 16] = [
    (0, "read", 0),
    (1, "write", 0),
    (19, "readv", 0),
    (20, "writev", 0),
    (40, "sendfile", 0),
    (40, "sendfile", 1),
    (44, "sendto", 0),
    (45, "recvfrom", 0),
    (SENDMSG, "sendmsg", 0),
    (47, "recvmsg", 0),
    (275, "splice", 0),
    (275, "splice", 2),
    (299, "recvmmsg", 0),
    (SENDMMSG, "sendmmsg", 0),
    (327, "preadv2", 0),
    (328, "pwritev2", 0),
];

/// With this second argument on a descriptor of the snapshot: number, name, values.
pub(super) const FCNTL_COMMANDS: [u64; 15] = [
    F_DUPFD,
    F_DUPFD_CLOEXEC,
    F_SETFD,
    F_SETFL,
    6,    // F_SETLK
    7,    // F_SETLKW
    8,    // F_SETOWN
    10,   // F_SETSIG
    15,   // F_SETOWN_EX
    37,   // F_OFD_SETLK
    38,   // F_OFD_SETLKW
    1024, // F_SETLEASE
    F_NOTIFY,
    1031, // F_SETPIPE_SZ
    F_ADD_SEALS,
];
pub(super) const IOCTL_COMMANDS: [u64; 6] = [
    FIONCLEX, FIOCLEX, FIONBIO, FIOASYNC, 0x8901, // FIOSETOWN
    0x8902, // SIOCSPGRP
];
pub(super) const WITH_COMMAND: [(i64, &str, &[u64]); 2] =
    [(FCNTL, "fcntl", &FCNTL_COMMANDS), (IOCTL, "ioctl", &IOCTL_COMMANDS)];

/// The x32 convention's mark in a call's number.
pub(super) const X32: u64 = 0x4000_0000;

/// More gaps than this between descriptors, and the numbers in the gaps count as the snapshot's too.
pub(super) const MOST_RANGES: usize = 4;

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

/// The program for a process that has these descriptors, and among them these sockets: installed at the snapshot, with those of `filter`.
pub(crate) fn program(descriptors: &[i32], sockets: &[i32]) -> Result<Vec<u64>, Error> {
    rules(descriptors, sockets)
        .and_then(|rules| filter::tracing_program(rules, STATE))
        .map_err(filter::unbuildable)
}

fn rules(descriptors: &[i32], sockets: &[i32]) -> Result<Rules, BackendError> {
    let (descriptors, sockets) = (ranges(descriptors), ranges(sockets));
    let condition =
        |argument, operator, value| SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value);
    let mut rules: Rules = ALWAYS.iter().map(|(call, _)| (*call, vec![])).collect();
    for (call, _, argument, asking) in UNLESS {
        let len = if BY_POINTER.contains(&call) { SeccompCmpArgLen::Qword } else { SeccompCmpArgLen::Dword };
        let condition = SeccompCondition::new(argument, len, SeccompCmpOp::Ne, asking)?;
        rules.push((call, vec![SeccompRule::new(vec![condition])?]));
    }
    let mut prctl = Vec::new();
    for operation in PRCTL_OPERATIONS {
        prctl.extend(when(0, SeccompCmpOp::Eq, operation)?);
    }
    rules.push((PRCTL, prctl));
    let on_descriptor = ON_DESCRIPTOR.iter().map(|on| (on, &descriptors));
    let transfers = TRANSFERS.iter().map(|on| (on, &sockets));
    for (&(call, _, argument), numbers) in on_descriptor.chain(transfers) {
        let mut each = Vec::new();
        for (first, last) in numbers {
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
    // Those that are always seen need no more rules.
    let is_always = |call: &i64| ALWAYS.iter().any(|(always, _)| always == call);
    rules.retain(|(call, each)| each.is_empty() == is_always(call));
    Ok(joined(rules))
}

/// One entry for each call, with the rules of all its entries.
fn joined(rules: Rules) -> Rules {
    let mut by_call = std::collections::BTreeMap::<i64, Vec<SeccompRule>>::new();
    for (call, each) in rules {
        by_call.entry(call).or_default().extend(each);
    }
    by_call.into_iter().collect()
}

/// Calls that make or change what outlives a process.
pub(super) const OUTLIVING: [i64; 26] = [
    29, SHMAT, 31, 64, 66, 68, 69, 71, // System V objects
    165, 166, 170, 171, 428, 429, 430, 432, 442, // mounts and names of the machine
    240, 241, 242, 244, 245, // POSIX queues
    248, 249, 250, // keys
    155, // pivot_root
];
/// Calls whose first argument says whose state they set.
pub(super) const BY_PID: [i64; 8] = [109, 142, 144, 203, 256, 279, 302, 314];
/// Calls that set what belongs to memory, which a child may share.
pub(super) const ON_MEMORY: [i64; 8] = [149, 150, 151, 152, 154, 237, 325, 450];
/// Likewise for `prctl`: `DUMPABLE`, `MM`, `THP_DISABLE`, `MDWE`, `MEMORY_MERGE`, `FUTEX_HASH`.
pub(super) const PRCTL_ON_MEMORY: [u64; 6] = [4, 35, 41, 65, 67, 78];

/// The name of a call that is seen.
pub(super) fn name_of(number: i64) -> &'static str {
    let names = ALWAYS.iter().map(|(call, name)| (*call, *name));
    let names = names.chain(UNLESS.iter().map(|(call, name, ..)| (*call, *name)));
    let names = names.chain(ON_DESCRIPTOR.iter().map(|(call, name, _)| (*call, *name)));
    let mut names = names.chain(WITH_COMMAND.iter().map(|(call, name, _)| (*call, *name)));
    names.find(|(call, _)| *call == number).map_or("prctl", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_short_enough_for_the_kernel_with_many_descriptors() {
        const BPF_MAXINSNS: usize = 4096;
        let descriptors: Vec<i32> = (0..40).flat_map(|at| [at * 5, at * 5 + 1]).collect();
        let program = program(&descriptors, &descriptors).expect("the rules are fixed");
        assert!((100..BPF_MAXINSNS).contains(&program.len()), "{}", program.len());
    }

    #[test]
    fn descriptors_become_ranges() {
        assert_eq!(ranges(&[0, 1, 2, 3, 7, 9, 10]), [(0, 3), (7, 7), (9, 10)]);
        assert_eq!(ranges(&[0, 2, 4, 6, 8]), [(0, 8)]);
        assert_eq!(ranges(&[]), []);
    }
}
