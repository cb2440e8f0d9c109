//! The seccomp programs that bind a function process: what would escape the engine's sight, and what it wants to see.

use crate::error::Error;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use std::collections::BTreeMap;

/// The same call by the x32 convention, which some kernels know, has this bit in its number.
const X32: i64 = 0x4000_0000;
/// Calls that it has under numbers of its own (`syscall_64.tbl` in arch/x86/entry).
const X32_CALLS: std::ops::RangeInclusive<i64> = 512..=547;

const CLONE: i64 = 56;
const CLONE3: i64 = 435;
pub(crate) const MADVISE: i64 = 28;
const PROCESS_MADVISE: i64 = 440;
const MMAP: i64 = 9;
const MREMAP: i64 = 25;
const MSEAL: i64 = 462;
/// `io_setup`, `io_uring_setup`, `io_uring_enter`, `io_uring_register`.
const ASYNCHRONOUS: [i64; 4] = [206, 425, 426, 427];
/// `ptrace`, `process_vm_readv`, `process_vm_writev`, `pidfd_getfd`: into other processes.
const INTO_OTHERS: [i64; 4] = [101, 310, 311, 438];
/// `add_key`, `request_key`, `keyctl`: keys of a user outlive the process.
const KEYS: [i64; 3] = [248, 249, 250];
/// `shmget`, `semget`, `msgget`, `mq_open`: so do objects with names, where they have no namespace of their own.
const OBJECTS: [i64; 4] = [29, 64, 68, 240];
const IOCTL: i64 = 16;
const OPEN: i64 = 2;
const OPENAT: i64 = 257;
const PRCTL: i64 = 157;
const CLONE_UNTRACED: u64 = 0x0080_0000;
const CLONE_THREAD: u64 = 0x0001_0000;
const CLONE_VFORK: u64 = 0x4000;
/// `CLONE_FS`, `CLONE_FILES`, `CLONE_SIGHAND`, `CLONE_PARENT`.
const SHARED_BY_THREADS: [u64; 4] = [0x200, 0x400, 0x800, 0x8000];
const MADV_FREE: u64 = 8;
const MADV_GUARD_INSTALL: u64 = 102;
/// Advice that changes how the kernel treats a mapping, which the list of mappings does not show (`linux/mman.h`).
const LASTING_ADVICE: [u64; 14] = [0, 1, 2, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 103];
const MAP_TYPE: u64 = 0x0f;
const MAP_DROPPABLE: u64 = 0x08;
/// `MAP_GROWSDOWN`, `MAP_LOCKED`.
const LASTING_MAP_FLAGS: [u64; 2] = [0x100, 0x2000];
const MREMAP_FIXED: u64 = 2;
const PAGEMAP_SCAN: u64 = 0xc060_6610;
const O_TRUNC: u64 = 0o1000;
/// `O_WRONLY`, `O_RDWR`, `O_CREAT`
const WRITING: [u64; 3] = [1, 2, 0o100];
const PR_SET_VMA: u64 = 0x5356_4d41;
const PR_SET_SECCOMP: u64 = 22;
const SECCOMP: i64 = 317;
const PRLIMIT: i64 = 302;
const SETPRIORITY: i64 = 141;
const PRIO_PROCESS: u64 = 0;
const IOPRIO_SET: i64 = 251;
const IOPRIO_WHO_PROCESS: u64 = 1;
const SOCKET: i64 = 41;
const AF_VSOCK: u64 = 40;
const EPERM: u32 = 1;
const EINVAL: u32 = 22;
const ENOSYS: u32 = 38;
const EAFNOSUPPORT: u32 = 97;

/// Calls that change the layout of an address space, or what its mappings are, or that give memory back.
const LAYOUT_CALLS: [i64; 14] = [
    9,   // mmap
    10,  // mprotect
    11,  // munmap
    12,  // brk
    25,  // mremap
    28,  // madvise
    67,  // shmdt
    158, // arch_prctl, which can map a vDSO
    216, // remap_file_pages
    323, // userfaultfd
    329, // pkey_mprotect
    440, // process_madvise
    453, // map_shadow_stack
    462, // mseal
];

/// Calls that may make a file shorter, which takes along the pages that a private mapping of it had for itself.
const TRUNCATING_CALLS: [i64; 5] = [
    76,  // truncate
    77,  // ftruncate
    85,  // creat
    285, // fallocate
    437, // openat2, whose flags lie in memory
];

/// Calls that change what a name in a file system stands for, or what is known of it.
const FILE_CALLS: [i64; 36] = [
    49,  // bind, which makes a socket
    82,  // rename
    83,  // mkdir
    84,  // rmdir
    86,  // link
    87,  // unlink
    88,  // symlink
    90,  // chmod
    91,  // fchmod
    92,  // chown
    93,  // fchown
    94,  // lchown
    132, // utime
    133, // mknod
    188, // setxattr
    189, // lsetxattr
    190, // fsetxattr
    197, // removexattr
    198, // lremovexattr
    199, // fremovexattr
    235, // utimes
    258, // mkdirat
    259, // mknodat
    260, // fchownat
    261, // futimesat
    263, // unlinkat
    264, // renameat
    265, // linkat
    266, // symlinkat
    268, // fchmodat
    280, // utimensat
    304, // open_by_handle_at
    316, // renameat2
    452, // fchmodat2
    463, // setxattrat
    466, // removexattrat
];
/// Those of them that change files which Landlock guards the contents of, but not what is known of them.
const ATTRIBUTE_CALLS: [i64; 19] =
    [90, 91, 92, 93, 94, 132, 188, 189, 190, 197, 198, 199, 235, 260, 261, 268, 280, 452, 463];
const FILE_SETATTR: i64 = 469;
/// `FS_IOC_SETFLAGS`, `FS_IOC_FSSETXATTR`
const FILE_FLAGS: [u64; 2] = [0x4008_6602, 0x401c_5820];

/// What [`escape_watch`] says in the message of its stop.
pub(crate) const ESCAPE: u64 = 1;
/// What [`flags_watch`] says in the message of its stop.
pub(crate) const FLAGS: u64 = 3;
/// What [`files_watch`] says in the message of its stop.
pub(crate) const FILES: u64 = 4;
/// What [`truncating_watch`] says in the message of its stop.
pub(crate) const TRUNCATES: u64 = 5;

pub(crate) type Rules = Vec<(i64, Vec<SeccompRule>)>;

/// A rule for a call whose argument fits.
pub(crate) fn when(
    argument: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<Vec<SeccompRule>, BackendError> {
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)?;
    Ok(vec![SeccompRule::new(vec![condition])?])
}

/// Rules for calls whatever their arguments.
fn always(calls: &[i64]) -> Rules {
    calls.iter().map(|call| (*call, vec![])).collect()
}

/// A program that does `action` where a rule fits and lets everything else pass.
fn program(rules: Rules, action: SeccompAction) -> Result<Vec<u64>, BackendError> {
    let both = rules.into_iter().flat_map(|(call, rules)| [(call, rules.clone()), (call | X32, rules)]);
    let rules: BTreeMap<_, _> = both.collect();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, TargetArch::x86_64)?;
    let program: BpfProgram = filter.try_into()?;
    Ok(program.iter().map(word).collect())
}

/// A program that lets the calls of the rules stop for us, with this message.
pub(crate) fn tracing_program(rules: Rules, message: u64) -> Result<Vec<u64>, BackendError> {
    program(rules, SeccompAction::Trace(message as u32))
}

/// What binds a process from before its first instruction.
///
/// - `clone` with `CLONE_UNTRACED`, whose child the kernel would not show us; or of a child, no thread, that shares the
///   working directory, the descriptors or the signal handlers, which it could change in our process's place: `EPERM`.
/// - `clone3`, whose flags lie in memory where a filter cannot see them: `ENOSYS`, upon which C libraries use `clone`.
/// - `clone` of a thread that its maker waits for (`CLONE_VFORK`), which could not be stopped: `EPERM`.
/// - `madvise(MADV_FREE)`, after which a page can turn to zeros at any later time without a trace: `EINVAL`, upon which
///   allocators use `MADV_DONTNEED`. `MADV_GUARD_INSTALL` likewise: guard pages are in no list of mappings, and installed
///   over tracked pages of a file they send the kernel round in circles (Linux 6.18).
/// - `ioctl(PAGEMAP_SCAN)`, which can make written pages of the process look clean to us: `EPERM`.
/// - The flags of files (chattr(1)), which no list of a folder shows: `EPERM`, or `ENOSYS` by the newer call.
/// - Rings for asynchronous input and output, which outlive their mapping and their descriptor: `ENOSYS`.
/// - Keys, which belong to the user: `ENOSYS`.
/// - Calls by the x32 convention that have other numbers than ours, which the watches do not know: `ENOSYS`.
/// - `ptrace` and its like, into processes of the same user: `EPERM`.
pub(crate) fn from_the_start() -> Result<Vec<Vec<u64>>, Error> {
    let build = || {
        let mut clone = when(0, SeccompCmpOp::MaskedEq(CLONE_UNTRACED), CLONE_UNTRACED)?;
        for shared in SHARED_BY_THREADS {
            clone.extend(when(0, SeccompCmpOp::MaskedEq(CLONE_THREAD | shared), shared)?);
        }
        let awaited = CLONE_VFORK | CLONE_THREAD;
        clone.extend(when(0, SeccompCmpOp::MaskedEq(awaited), awaited)?);
        let advice = |argument| {
            let mut either = when(argument, SeccompCmpOp::Eq, MADV_FREE)?;
            either.extend(when(argument, SeccompCmpOp::Eq, MADV_GUARD_INSTALL)?);
            Ok::<_, BackendError>(either)
        };
        let mut refused = always(&INTO_OTHERS);
        refused.push((CLONE, clone));
        let mut ioctl = when(1, SeccompCmpOp::Eq, PAGEMAP_SCAN)?;
        for setting in FILE_FLAGS {
            ioctl.extend(when(1, SeccompCmpOp::Eq, setting)?);
        }
        refused.push((IOCTL, ioctl));
        let mut unknown = always(&ASYNCHRONOUS);
        unknown.extend(always(&KEYS));
        unknown.push((FILE_SETATTR, vec![]));
        unknown.extend(X32_CALLS.map(|call| (call, vec![])));
        unknown.push((CLONE3, vec![]));
        Ok(vec![
            program(refused, SeccompAction::Errno(EPERM))?,
            program(unknown, SeccompAction::Errno(ENOSYS))?,
            program(
                vec![(MADVISE, advice(2)?), (PROCESS_MADVISE, advice(3)?)],
                SeccompAction::Errno(EINVAL),
            )?,
        ])
    };
    build().map_err(unbuildable)
}

/// What is installed at the snapshot: every call that could change the layout stops for us, and is let through.
///
/// A request that makes none of them cannot have changed the layout, so that its restore need not look.
pub(crate) fn layout_watch() -> Result<Vec<u64>, Error> {
    let build = || {
        let mut rules = always(&LAYOUT_CALLS);
        rules.push((PRCTL, when(0, SeccompCmpOp::Eq, PR_SET_VMA)?));
        program(rules, SeccompAction::Trace(0))
    };
    build().map_err(unbuildable)
}

/// Calls that may change files. A request that makes none of them, and has no file of the snapshot open for writing,
/// leaves all files as they were.
pub(crate) fn files_watch() -> Result<Vec<u64>, Error> {
    let build = || {
        let mut rules = always(&FILE_CALLS);
        for (call, argument) in [(OPEN, 1), (OPENAT, 2)] {
            let mut writing = Vec::new();
            for flag in WRITING {
                writing.extend(when(argument, SeccompCmpOp::MaskedEq(flag), flag)?);
            }
            rules.push((call, writing));
        }
        tracing_program(rules, FILES)
    };
    build().map_err(unbuildable)
}

/// Installed after the above: calls that may change files and make them shorter.
pub(crate) fn truncating_watch() -> Result<Vec<u64>, Error> {
    let build = || {
        let mut rules = always(&TRUNCATING_CALLS);
        rules.push((OPEN, when(1, SeccompCmpOp::MaskedEq(O_TRUNC), O_TRUNC)?));
        rules.push((OPENAT, when(2, SeccompCmpOp::MaskedEq(O_TRUNC), O_TRUNC)?));
        tracing_program(rules, TRUNCATES)
    };
    build().map_err(unbuildable)
}

/// What binds a process in a jail by Landlock, which does not guard permissions, owners, times and attributes of files, nor
/// System V objects and POSIX queues: nobody may set or make them.
pub(crate) fn keep_attributes() -> Result<Vec<u64>, Error> {
    let refused = [always(&ATTRIBUTE_CALLS), always(&OBJECTS)].concat();
    program(refused, SeccompAction::Errno(EPERM)).map_err(unbuildable)
}

/// What binds a process in a jail: it does not set limits and priorities of others by their ids, of a group or of a user,
/// which are those of processes outside, too.
pub(crate) fn keep_to_itself() -> Result<Vec<u64>, Error> {
    let build = || {
        let condition = SeccompCondition::new;
        let of_another = condition(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, 0)?;
        let sets = condition(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)?;
        let rules = vec![
            (PRLIMIT, vec![SeccompRule::new(vec![of_another, sets])?]),
            (SETPRIORITY, when(0, SeccompCmpOp::Ne, PRIO_PROCESS)?),
            (IOPRIO_SET, when(0, SeccompCmpOp::Ne, IOPRIO_WHO_PROCESS)?),
        ];
        program(rules, SeccompAction::Errno(EPERM))
    };
    build().map_err(unbuildable)
}

/// What binds a process that has a network of its own: sockets to other virtual machines, which belong to none.
pub(crate) fn keep_off_other_machines() -> Result<Vec<u64>, Error> {
    let build = || {
        let rules = vec![(SOCKET, when(0, SeccompCmpOp::Eq, AF_VSOCK)?)];
        program(rules, SeccompAction::Errno(EAFNOSUPPORT))
    };
    build().map_err(unbuildable)
}

/// Installed after the above, whose message its own takes the place of: calls that change what a mapping is beyond what
/// the list of mappings shows.
pub(crate) fn flags_watch() -> Result<Vec<u64>, Error> {
    let build = || {
        let mut advice = Vec::new();
        for lasting in LASTING_ADVICE {
            advice.extend(when(2, SeccompCmpOp::Eq, lasting)?);
        }
        let mut flags = when(3, SeccompCmpOp::MaskedEq(MAP_TYPE), MAP_DROPPABLE)?;
        for lasting in LASTING_MAP_FLAGS {
            flags.extend(when(3, SeccompCmpOp::MaskedEq(lasting), lasting)?);
        }
        let over_another = when(3, SeccompCmpOp::MaskedEq(MREMAP_FIXED), MREMAP_FIXED)?;
        let mut rules = always(&[PROCESS_MADVISE, MSEAL]);
        rules.extend([(MADVISE, advice), (MMAP, flags), (MREMAP, over_another)]);
        tracing_program(rules, FLAGS)
    };
    build().map_err(unbuildable)
}

/// Installed with the above: a process that installs a filter of its own could hide calls from ours, and cannot be rid
/// of it, so that it is not restored.
pub(crate) fn escape_watch() -> Result<Vec<u64>, Error> {
    let build = || {
        let by_prctl = when(0, SeccompCmpOp::Eq, PR_SET_SECCOMP)?;
        program(vec![(SECCOMP, vec![]), (PRCTL, by_prctl)], SeccompAction::Trace(ESCAPE as u32))
    };
    build().map_err(unbuildable)
}

/// `struct sock_filter` as the 64 bits that it is in memory.
fn word(instruction: &seccompiler::sock_filter) -> u64 {
    u64::from(instruction.code)
        | u64::from(instruction.jt) << 16
        | u64::from(instruction.jf) << 24
        | u64::from(instruction.k) << 32
}

/// A program that the library would not make.
#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
pub(crate) fn unbuildable(error: BackendError) -> Error {
    Error::Unsupported { strategy: "seccomp".into(), why: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_can_be_built_and_are_short_enough_for_the_kernel() {
        const BPF_MAXINSNS: usize = 4096;
        let programs = from_the_start().expect("the rules are fixed");
        assert_eq!(programs.len(), 3);
        let watch = [
            layout_watch(),
            flags_watch(),
            escape_watch(),
            files_watch(),
            truncating_watch(),
            keep_attributes(),
            keep_to_itself(),
            keep_off_other_machines(),
        ]
        .map(|built| built.expect("the rules are fixed"));
        assert!(programs.iter().chain(&watch).all(|program| (4..BPF_MAXINSNS).contains(&program.len())));
    }
}
