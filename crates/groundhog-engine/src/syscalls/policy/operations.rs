//! The rows of the operations of calls that have many (`linux/prctl.h`, `asm/prctl.h`, `linux/fcntl.h`, `asm/ioctls.h` and
//! others, `linux/mman.h`, `linux/membarrier.h`, `linux/seccomp.h`, `linux/socket.h`).
//!
//! `futex` and `keyctl` need none: whatever a futex operation is, it waits or wakes, and keys are refused whole.

use super::Action::{Deny, Refuse};
use super::Effect as E;
use super::Since::{Snapshot, Start};
use super::StateKind as K;
use super::calls::{EINVAL, ENOPROTOOPT, ENOTTY, EOPNOTSUPP, EPERM, always, on};
use super::{Action, Clause, Operation, Operations, Rule, Scope, When};
use groundhog_sys::Errno;

const ENODEV: Errno = Errno(19);
const O_ASYNC: u32 = 0o20_000;
/// `EAFNOSUPPORT`: what a family of sockets without a row answers.
const UNKNOWN_FAMILY: Errno = Errno(97);
/// `EPROTONOSUPPORT`: likewise a protocol.
const UNKNOWN_PROTOCOL: Errno = Errno(93);

const PURE: &[Clause] = &[];
const FIRST: When = When::Snapshot(0);
const NUMBERS: &[Clause] = &[on(FIRST, E::Numbers)];
const STATUS_FLAGS: &[Clause] = &[on(FIRST, E::StatusFlags(0))];
const OPEN_FILE: &[Clause] = &[on(FIRST, E::OpenFile(0))];
const DUPLICATES: &[Clause] = &[on(FIRST, E::Duplicates(0))];
const LAST_FOR_FILE: &[Clause] = &[on(FIRST, E::Retires(Scope::File))];
/// Of any open file: what happens to it sends signals.
const OWNER: &[Clause] = &[on(FIRST, E::OpenFile(0)), always(E::AsksForSignals)];
const LEASE: &[Clause] = &[on(FIRST, E::Retires(Scope::File)), always(E::AsksForSignals)];
const ASKS: When = When::Has(2, O_ASYNC, O_ASYNC);
/// A socket that tells by signals notes that it was full, or that somebody waits at it, and forgets that only while it does so.
const STATUS_OR_SIGNALS: &[Clause] = &[
    on(FIRST, E::StatusFlags(0)),
    on(When::All(&[ASKS, FIRST]), E::OpenFile(0)),
    on(ASKS, E::AsksForSignals),
];
const SIGNALS: &[Clause] =
    &[on(FIRST, E::StatusFlags(0)), on(FIRST, E::OpenFile(0)), always(E::AsksForSignals)];
const INODES: &[Clause] = &[always(E::Inodes)];
const FILES: &[Clause] = &[always(E::Files)];
const TERMINAL: &[Clause] = &[always(E::Terminal)];
const LAYOUT: &[Clause] = &[always(E::Layout)];
const FLAGS: &[Clause] = &[always(E::Layout), always(E::MappingFlags)];
/// Holes in what is mapped and shared, and in its file.
const HOLES: &[Clause] = &[always(E::Layout), always(E::Truncation), always(E::Files)];
const THREADS: &[Clause] = &[always(E::Retires(Scope::Thread))];
const PROCESSES: &[Clause] = &[always(E::Retires(Scope::Process))];
const MEMORYS: &[Clause] = &[always(E::Retires(Scope::Memory))];
const ESCAPES: &[Clause] = &[always(E::Escapes)];
const THREAD_SETTING: &[Clause] = &[always(E::Sets(K::Settings, Scope::Thread))];
const PROCESS_SETTING: &[Clause] = &[always(E::Sets(K::Settings, Scope::Process))];
const MEMORY_SETTING: &[Clause] = &[always(E::Sets(K::Settings, Scope::Memory))];

const fn refused(errno: Errno) -> Clause {
    Clause { when: When::Always, action: Refuse(errno, Snapshot) }
}

const fn never(errno: Errno) -> Clause {
    Clause { when: When::Always, action: Refuse(errno, Start) }
}

/// The engine itself makes the call inside the process.
const DENIED: &[Clause] = &[Clause { when: When::Always, action: Deny(EINVAL, Snapshot) }];
const REFUSED: &[Clause] = &[refused(EINVAL)];
const NO_DEVICE: &[Clause] = &[refused(ENODEV)];
const NO_SUPPORT: &[Clause] = &[refused(EOPNOTSUPP)];
const NEVER: &[Clause] = &[never(EINVAL)];
/// The engine itself makes the call inside the process, where it is harmless.
const NEVER_BUT_OURS: &[Clause] = &[Clause { when: When::Always, action: Deny(EINVAL, Start) }];
const NEVER_PERMITTED: &[Clause] = &[never(EPERM)];
const NEVER_SUPPORTED: &[Clause] = &[never(EOPNOTSUPP)];

const fn op(value: u32, name: &'static str, clauses: &'static [Clause]) -> Operation {
    Operation { value, name, clauses }
}

const fn by(argument: u8, known: &'static [Operation]) -> Operations {
    Operations { within: None, argument, known }
}

const fn level(value: u32, name: &'static str, known: &'static [Operation]) -> Operations {
    Operations { within: Some((1, value, name)), argument: 2, known }
}

const fn family(value: u32, name: &'static str, known: &'static [Operation]) -> Operations {
    Operations { within: Some((0, value, name)), argument: 2, known }
}

pub(super) const PRCTL: Rule = Rule::Operations(
    &[by(
        0,
        &[
            op(1, "PR_SET_PDEATHSIG", THREAD_SETTING),
            op(2, "PR_GET_PDEATHSIG", PURE),
            op(3, "PR_GET_DUMPABLE", PURE),
            op(4, "PR_SET_DUMPABLE", &[always(E::Sets(K::Dumpable, Scope::Memory))]),
            op(7, "PR_GET_KEEPCAPS", PURE),
            op(8, "PR_SET_KEEPCAPS", THREAD_SETTING),
            op(13, "PR_GET_TIMING", PURE),
            op(15, "PR_SET_NAME", &[always(E::Sets(K::Name, Scope::Thread))]),
            op(16, "PR_GET_NAME", PURE),
            op(21, "PR_GET_SECCOMP", PURE),
            op(22, "PR_SET_SECCOMP", ESCAPES),
            op(23, "PR_CAPBSET_READ", PURE),
            op(24, "PR_CAPBSET_DROP", THREADS),
            op(25, "PR_GET_TSC", PURE),
            op(26, "PR_SET_TSC", THREAD_SETTING),
            op(27, "PR_GET_SECUREBITS", PURE),
            op(28, "PR_SET_SECUREBITS", THREADS),
            op(29, "PR_SET_TIMERSLACK", &[always(E::Sets(K::Slack, Scope::Thread))]),
            op(30, "PR_GET_TIMERSLACK", PURE),
            op(33, "PR_MCE_KILL", THREAD_SETTING),
            op(34, "PR_MCE_KILL_GET", PURE),
            op(35, "PR_SET_MM", MEMORYS),
            op(36, "PR_SET_CHILD_SUBREAPER", PROCESS_SETTING),
            op(37, "PR_GET_CHILD_SUBREAPER", PURE),
            // It is set already: our programs need it.
            op(38, "PR_SET_NO_NEW_PRIVS", PURE),
            op(39, "PR_GET_NO_NEW_PRIVS", PURE),
            op(40, "PR_GET_TID_ADDRESS", PURE),
            op(41, "PR_SET_THP_DISABLE", MEMORY_SETTING),
            op(42, "PR_GET_THP_DISABLE", PURE),
            // PR_CAP_AMBIENT_IS_SET only asks.
            op(47, "PR_CAP_AMBIENT", &[on(When::IsNot(1, 1), E::Retires(Scope::Thread))]),
            op(52, "PR_GET_SPECULATION_CTRL", PURE),
            op(53, "PR_SET_SPECULATION_CTRL", THREADS),
            op(57, "PR_SET_IO_FLUSHER", THREAD_SETTING),
            op(58, "PR_GET_IO_FLUSHER", PURE),
            op(59, "PR_SET_SYSCALL_USER_DISPATCH", THREADS),
            op(62, "PR_SCHED_CORE", &[on(When::IsNot(1, 0), E::Retires(Scope::Machine))]),
            op(65, "PR_SET_MDWE", MEMORYS),
            op(66, "PR_GET_MDWE", PURE),
            op(67, "PR_SET_MEMORY_MERGE", MEMORYS),
            op(68, "PR_GET_MEMORY_MERGE", PURE),
            op(77, "PR_TIMER_CREATE_RESTORE_IDS", PROCESS_SETTING),
            // It tells how many threads there have ever been.
            op(78, "PR_FUTEX_HASH", REFUSED),
            op(0x4155_5856, "PR_GET_AUXV", PURE),
            // No list of mappings shows the name that the heap or the stack was given, until it is moved. Kernels that give no names
            // answer so.
            op(0x5356_4d41, "PR_SET_VMA", DENIED),
            op(0x5961_6d61, "PR_SET_PTRACER", PROCESSES),
        ],
    )],
    Refuse(EINVAL, Snapshot),
);

pub(super) const ARCH_PRCTL: Rule = Rule::Operations(
    &[by(
        0,
        &[
            op(0x1001, "ARCH_SET_GS", PURE),
            op(0x1002, "ARCH_SET_FS", PURE),
            op(0x1003, "ARCH_GET_FS", PURE),
            op(0x1004, "ARCH_GET_GS", PURE),
            op(0x1011, "ARCH_GET_CPUID", PURE),
            op(0x1012, "ARCH_SET_CPUID", NO_DEVICE),
            op(0x1021, "ARCH_GET_XCOMP_SUPP", PURE),
            op(0x1022, "ARCH_GET_XCOMP_PERM", PURE),
            op(0x1023, "ARCH_REQ_XCOMP_PERM", NO_SUPPORT),
            op(0x1024, "ARCH_GET_XCOMP_GUEST_PERM", PURE),
            op(0x1025, "ARCH_REQ_XCOMP_GUEST_PERM", NO_SUPPORT),
            op(0x2001, "ARCH_MAP_VDSO_X32", REFUSED),
            op(0x2002, "ARCH_MAP_VDSO_32", REFUSED),
            op(0x2003, "ARCH_MAP_VDSO_64", REFUSED),
            op(0x4001, "ARCH_GET_UNTAG_MASK", PURE),
            // One address of memory would have many names.
            op(0x4002, "ARCH_ENABLE_TAGGED_ADDR", &[never(ENODEV)]),
            op(0x4003, "ARCH_GET_MAX_TAG_BITS", PURE),
            op(0x4004, "ARCH_FORCE_TAGGED_SVA", &[never(ENODEV)]),
            op(0x5001, "ARCH_SHSTK_ENABLE", NEVER_SUPPORTED),
            op(0x5002, "ARCH_SHSTK_DISABLE", NEVER_SUPPORTED),
            op(0x5003, "ARCH_SHSTK_LOCK", NEVER_SUPPORTED),
            op(0x5004, "ARCH_SHSTK_UNLOCK", NEVER_SUPPORTED),
            op(0x5005, "ARCH_SHSTK_STATUS", PURE),
        ],
    )],
    Refuse(EINVAL, Snapshot),
);

pub(super) const MEMBARRIER: Rule = Rule::Operations(
    &[by(
        0,
        &[
            op(0, "MEMBARRIER_CMD_QUERY", PURE),
            op(1, "MEMBARRIER_CMD_GLOBAL", PURE),
            op(2, "MEMBARRIER_CMD_GLOBAL_EXPEDITED", PURE),
            // A registration stays for ever.
            op(4, "MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED", REFUSED),
            op(8, "MEMBARRIER_CMD_PRIVATE_EXPEDITED", PURE),
            op(16, "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED", REFUSED),
            op(32, "MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE", PURE),
            op(64, "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE", REFUSED),
            op(128, "MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ", PURE),
            op(256, "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ", REFUSED),
            op(512, "MEMBARRIER_CMD_GET_REGISTRATIONS", PURE),
        ],
    )],
    Refuse(EINVAL, Snapshot),
);

pub(super) const KCMP: Rule = Rule::Operations(
    &[by(
        2,
        &[
            op(0, "KCMP_FILE", PURE),
            op(1, "KCMP_VM", PURE),
            op(2, "KCMP_FILES", PURE),
            op(3, "KCMP_FS", PURE),
            op(4, "KCMP_SIGHAND", PURE),
            // The kernel makes these with the first I/O priority and the first thread, and keeps them. Nothing else tells of them.
            op(5, "KCMP_IO", NO_SUPPORT),
            op(6, "KCMP_SYSVSEM", NO_SUPPORT),
            op(7, "KCMP_EPOLL_TFD", PURE),
        ],
    )],
    Refuse(EINVAL, Snapshot),
);

pub(super) const SECCOMP: Rule = Rule::Operations(
    &[by(
        0,
        &[
            op(0, "SECCOMP_SET_MODE_STRICT", ESCAPES),
            op(1, "SECCOMP_SET_MODE_FILTER", ESCAPES),
            op(2, "SECCOMP_GET_ACTION_AVAIL", PURE),
            op(3, "SECCOMP_GET_NOTIF_SIZES", PURE),
        ],
    )],
    Refuse(EINVAL, Snapshot),
);

pub(super) const MADVISE: Rule = Rule::Operations(
    &[by(
        2,
        &[
            op(0, "MADV_NORMAL", FLAGS),
            op(1, "MADV_RANDOM", FLAGS),
            op(2, "MADV_SEQUENTIAL", FLAGS),
            op(3, "MADV_WILLNEED", LAYOUT),
            op(4, "MADV_DONTNEED", LAYOUT),
            // A page could turn to zeros at any later time without a trace; allocators use MADV_DONTNEED then.
            op(8, "MADV_FREE", NEVER),
            op(9, "MADV_REMOVE", HOLES),
            op(10, "MADV_DONTFORK", FLAGS),
            op(11, "MADV_DOFORK", FLAGS),
            op(12, "MADV_MERGEABLE", FLAGS),
            op(13, "MADV_UNMERGEABLE", FLAGS),
            op(14, "MADV_HUGEPAGE", FLAGS),
            op(15, "MADV_NOHUGEPAGE", FLAGS),
            op(16, "MADV_DONTDUMP", FLAGS),
            op(17, "MADV_DODUMP", FLAGS),
            op(18, "MADV_WIPEONFORK", FLAGS),
            op(19, "MADV_KEEPONFORK", FLAGS),
            op(20, "MADV_COLD", LAYOUT),
            op(21, "MADV_PAGEOUT", LAYOUT),
            op(22, "MADV_POPULATE_READ", LAYOUT),
            op(23, "MADV_POPULATE_WRITE", LAYOUT),
            op(24, "MADV_DONTNEED_LOCKED", LAYOUT),
            // A huge page of shared memory goes on behind the end of its file, where no one looks, and shows in mappings of it.
            op(25, "MADV_COLLAPSE", NEVER_BUT_OURS),
            op(100, "MADV_HWPOISON", NEVER_PERMITTED),
            op(101, "MADV_SOFT_OFFLINE", NEVER_PERMITTED),
            // Guard pages are in no list of mappings, and over tracked pages of a file they send the kernel round in circles
            // (Linux 6.18).
            op(102, "MADV_GUARD_INSTALL", NEVER),
            op(103, "MADV_GUARD_REMOVE", FLAGS),
        ],
    )],
    Refuse(EINVAL, Snapshot),
);

pub(super) const FCNTL: Rule = Rule::Operations(
    &[by(
        1,
        &[
            op(0, "F_DUPFD", DUPLICATES),
            op(1, "F_GETFD", PURE),
            op(2, "F_SETFD", NUMBERS),
            op(3, "F_GETFL", PURE),
            op(4, "F_SETFL", STATUS_OR_SIGNALS),
            op(5, "F_GETLK", PURE),
            op(6, "F_SETLK", OPEN_FILE),
            op(7, "F_SETLKW", OPEN_FILE),
            op(8, "F_SETOWN", OWNER),
            op(9, "F_GETOWN", PURE),
            op(10, "F_SETSIG", OPEN_FILE),
            op(11, "F_GETSIG", PURE),
            op(15, "F_SETOWN_EX", OWNER),
            op(16, "F_GETOWN_EX", PURE),
            // In a namespace without root it tells that anything about an owner was ever set: only then somebody's id is noted.
            op(17, "F_GETOWNER_UIDS", REFUSED),
            op(36, "F_OFD_GETLK", PURE),
            op(37, "F_OFD_SETLK", OPEN_FILE),
            op(38, "F_OFD_SETLKW", OPEN_FILE),
            op(1024, "F_SETLEASE", LEASE),
            op(1025, "F_GETLEASE", PURE),
            // Who is to be told of changes in a folder, once or for ever, shows nowhere.
            op(1026, "F_NOTIFY", NEVER),
            op(1027, "F_DUPFD_QUERY", PURE),
            op(1028, "F_CREATED_QUERY", PURE),
            op(1030, "F_DUPFD_CLOEXEC", DUPLICATES),
            op(1031, "F_SETPIPE_SZ", INODES),
            op(1032, "F_GETPIPE_SZ", PURE),
            op(1033, "F_ADD_SEALS", INODES),
            op(1034, "F_GET_SEALS", PURE),
            op(1035, "F_GET_RW_HINT", PURE),
            // Hints stay in the inode, of files of the machine, too.
            op(1036, "F_SET_RW_HINT", REFUSED),
            op(1037, "F_GET_FILE_RW_HINT", PURE),
            op(1038, "F_SET_FILE_RW_HINT", REFUSED),
        ],
    )],
    Refuse(EINVAL, Snapshot),
);

pub(super) const IOCTL: Rule = Rule::Operations(
    &[by(
        1,
        &[
            op(0x0001, "FIBMAP", NO_SUPPORT),
            op(0x0002, "FIGETBSZ", PURE),
            op(0x5401, "TCGETS", PURE),
            op(0x5402, "TCSETS", TERMINAL),
            op(0x5403, "TCSETSW", TERMINAL),
            op(0x5404, "TCSETSF", TERMINAL),
            op(0x5405, "TCGETA", PURE),
            op(0x5406, "TCSETA", TERMINAL),
            op(0x5407, "TCSETAW", TERMINAL),
            op(0x5408, "TCSETAF", TERMINAL),
            op(0x5409, "TCSBRK", TERMINAL),
            op(0x540a, "TCXONC", TERMINAL),
            op(0x540b, "TCFLSH", TERMINAL),
            op(0x540c, "TIOCEXCL", TERMINAL),
            op(0x540d, "TIOCNXCL", TERMINAL),
            op(0x540e, "TIOCSCTTY", TERMINAL),
            op(0x540f, "TIOCGPGRP", PURE),
            op(0x5410, "TIOCSPGRP", TERMINAL),
            op(0x5411, "TIOCOUTQ", PURE),
            op(0x5413, "TIOCGWINSZ", PURE),
            op(0x5414, "TIOCSWINSZ", TERMINAL),
            op(0x541b, "FIONREAD", PURE),
            op(0x5420, "TIOCPKT", TERMINAL),
            op(0x5421, "FIONBIO", STATUS_FLAGS),
            op(0x5422, "TIOCNOTTY", TERMINAL),
            op(0x5424, "TIOCGETD", PURE),
            op(0x5425, "TCSBRKP", TERMINAL),
            op(0x5429, "TIOCGSID", PURE),
            op(0x5441, "TIOCGPTPEER", PURE),
            op(0x5450, "FIONCLEX", NUMBERS),
            op(0x5451, "FIOCLEX", NUMBERS),
            op(0x5452, "FIOASYNC", SIGNALS),
            op(0x5460, "FIOQSIZE", PURE),
            op(0x8901, "FIOSETOWN", OWNER),
            op(0x8902, "SIOCSPGRP", OWNER),
            op(0x8903, "FIOGETOWN", PURE),
            op(0x8904, "SIOCGPGRP", PURE),
            op(0x8905, "SIOCATMARK", PURE),
            // Asking turns it on.
            op(0x8906, "SIOCGSTAMP", LAST_FOR_FILE),
            op(0x8907, "SIOCGSTAMPNS", LAST_FOR_FILE),
            op(0x8910, "SIOCGIFNAME", PURE),
            op(0x8912, "SIOCGIFCONF", PURE),
            op(0x8913, "SIOCGIFFLAGS", PURE),
            op(0x8915, "SIOCGIFADDR", PURE),
            op(0x8917, "SIOCGIFDSTADDR", PURE),
            op(0x8919, "SIOCGIFBRDADDR", PURE),
            op(0x891b, "SIOCGIFNETMASK", PURE),
            op(0x891d, "SIOCGIFMETRIC", PURE),
            op(0x8921, "SIOCGIFMTU", PURE),
            op(0x8927, "SIOCGIFHWADDR", PURE),
            op(0x8933, "SIOCGIFINDEX", PURE),
            op(0x8942, "SIOCGIFTXQLEN", PURE),
            // What it sets needs a capability over the network, which a function does not have in a jail.
            op(0x8946, "SIOCETHTOOL", PURE),
            op(0x894b, "SIOCOUTQNSD", PURE),
            op(0x8954, "SIOCGARP", PURE),
            op(0x8970, "SIOCGIFMAP", PURE),
            op(0x8b01, "SIOCGIWNAME", PURE),
            op(0x8b1b, "SIOCGIWESSID", PURE),
            op(0xb701, "NS_GET_USERNS", PURE),
            op(0xb702, "NS_GET_PARENT", PURE),
            op(0xb703, "NS_GET_NSTYPE", PURE),
            op(0xb704, "NS_GET_OWNER_UID", PURE),
            op(0x4004_5431, "TIOCSPTLCK", TERMINAL),
            op(0x4004_9409, "FICLONE", FILES),
            // The flags of files (chattr(1)), which no list of a folder shows.
            op(0x4008_6602, "FS_IOC_SETFLAGS", NEVER_PERMITTED),
            op(0x401c_5820, "FS_IOC_FSSETXATTR", NEVER_PERMITTED),
            op(0x4020_940d, "FICLONERANGE", FILES),
            op(0x402c_542b, "TCSETS2", TERMINAL),
            op(0x402c_542c, "TCSETSW2", TERMINAL),
            op(0x402c_542d, "TCSETSF2", TERMINAL),
            op(0x8004_5200, "RNDGETENTCNT", PURE),
            op(0x8004_5430, "TIOCGPTN", PURE),
            op(0x8004_5438, "TIOCGPKT", PURE),
            op(0x8004_5439, "TIOCGPTLCK", PURE),
            op(0x8004_f50c, "F2FS_IOC_GET_FEATURES", PURE),
            op(0x8008_1272, "BLKGETSIZE64", PURE),
            op(0x8008_6601, "FS_IOC_GETFLAGS", PURE),
            op(0x8008_7601, "FS_IOC_GETVERSION", PURE),
            op(0x8008_8a02, "EPIOCGPARAMS", PURE),
            op(0x801c_581f, "FS_IOC_FSGETXATTR", PURE),
            op(0x802c_542a, "TCGETS2", PURE),
            op(0xc018_9436, "FIDEDUPERANGE", FILES),
            // Where on the disk a file lies (as by FIBMAP), and in how many pieces, tells of what was written and put back.
            op(0xc020_660b, "FS_IOC_FIEMAP", NO_SUPPORT),
            // Written pages of the process could be made to look clean to us.
            op(0xc060_6610, "PAGEMAP_SCAN", NEVER_PERMITTED),
        ],
    )],
    Refuse(ENOTTY, Snapshot),
);

/// On a new socket, options go with it.
const OPTION: &[Clause] = &[on(FIRST, E::Retires(Scope::File))];
/// All sockets of a port are a group, which outlives those that leave it, and notes for ever that one was connected.
const PORT: &[Clause] = &[on(FIRST, E::Retires(Scope::File)), always(E::SharesPort)];
/// A number or a time that says nothing of what was sent, and sets nothing else.
const PLAIN_OPTION: &[Clause] = &[on(FIRST, E::SocketOption(0))];
/// The kernel would send from pages that the next restore writes.
const ZERO_COPY: &[Clause] = &[never(EOPNOTSUPP)];

pub(super) const SETSOCKOPT: Rule = Rule::Operations(
    &[
        level(
            0,
            "IPPROTO_IP",
            &[
                op(1, "IP_TOS", OPTION),
                op(2, "IP_TTL", OPTION),
                op(4, "IP_OPTIONS", OPTION),
                op(6, "IP_RECVOPTS", OPTION),
                op(7, "IP_RETOPTS", OPTION),
                op(8, "IP_PKTINFO", OPTION),
                op(10, "IP_MTU_DISCOVER", OPTION),
                op(11, "IP_RECVERR", OPTION),
                op(12, "IP_RECVTTL", OPTION),
                op(13, "IP_RECVTOS", OPTION),
                op(15, "IP_FREEBIND", OPTION),
                op(20, "IP_RECVORIGDSTADDR", OPTION),
                op(21, "IP_MINTTL", OPTION),
                op(24, "IP_BIND_ADDRESS_NO_PORT", OPTION),
                op(32, "IP_MULTICAST_IF", OPTION),
                op(33, "IP_MULTICAST_TTL", OPTION),
                op(34, "IP_MULTICAST_LOOP", OPTION),
                op(35, "IP_ADD_MEMBERSHIP", OPTION),
                op(36, "IP_DROP_MEMBERSHIP", OPTION),
                op(39, "IP_ADD_SOURCE_MEMBERSHIP", OPTION),
                op(40, "IP_DROP_SOURCE_MEMBERSHIP", OPTION),
                op(42, "MCAST_JOIN_GROUP", OPTION),
                op(45, "MCAST_LEAVE_GROUP", OPTION),
                op(49, "IP_MULTICAST_ALL", OPTION),
                op(50, "IP_UNICAST_IF", OPTION),
                op(51, "IP_LOCAL_PORT_RANGE", OPTION),
            ],
        ),
        level(
            1,
            "SOL_SOCKET",
            &[
                op(1, "SO_DEBUG", OPTION),
                op(2, "SO_REUSEADDR", OPTION),
                op(5, "SO_DONTROUTE", OPTION),
                op(6, "SO_BROADCAST", OPTION),
                op(7, "SO_SNDBUF", OPTION),
                op(8, "SO_RCVBUF", OPTION),
                op(9, "SO_KEEPALIVE", PLAIN_OPTION),
                op(10, "SO_OOBINLINE", OPTION),
                op(12, "SO_PRIORITY", OPTION),
                op(13, "SO_LINGER", OPTION),
                op(15, "SO_REUSEPORT", PORT),
                op(16, "SO_PASSCRED", OPTION),
                op(18, "SO_RCVLOWAT", OPTION),
                op(19, "SO_SNDLOWAT", OPTION),
                op(20, "SO_RCVTIMEO", PLAIN_OPTION),
                op(21, "SO_SNDTIMEO", PLAIN_OPTION),
                op(25, "SO_BINDTODEVICE", OPTION),
                op(26, "SO_ATTACH_FILTER", OPTION),
                op(27, "SO_DETACH_FILTER", OPTION),
                op(29, "SO_TIMESTAMP", OPTION),
                op(32, "SO_SNDBUFFORCE", OPTION),
                op(33, "SO_RCVBUFFORCE", OPTION),
                op(34, "SO_PASSSEC", OPTION),
                op(35, "SO_TIMESTAMPNS", OPTION),
                op(36, "SO_MARK", OPTION),
                op(37, "SO_TIMESTAMPING", OPTION),
                op(40, "SO_RXQ_OVFL", OPTION),
                op(41, "SO_WIFI_STATUS", OPTION),
                op(42, "SO_PEEK_OFF", OPTION),
                op(44, "SO_LOCK_FILTER", OPTION),
                op(46, "SO_BUSY_POLL", OPTION),
                op(47, "SO_MAX_PACING_RATE", OPTION),
                op(49, "SO_INCOMING_CPU", OPTION),
                op(60, "SO_ZEROCOPY", ZERO_COPY),
                op(63, "SO_TIMESTAMP_NEW", OPTION),
                op(64, "SO_TIMESTAMPNS_NEW", OPTION),
                op(65, "SO_TIMESTAMPING_NEW", OPTION),
                op(66, "SO_RCVTIMEO_NEW", PLAIN_OPTION),
                op(67, "SO_SNDTIMEO_NEW", PLAIN_OPTION),
                op(69, "SO_PREFER_BUSY_POLL", OPTION),
                op(70, "SO_BUSY_POLL_BUDGET", OPTION),
                op(72, "SO_BUF_LOCK", OPTION),
                op(74, "SO_TXREHASH", OPTION),
                op(75, "SO_RCVMARK", OPTION),
                op(76, "SO_PASSPIDFD", OPTION),
                op(82, "SO_RCVPRIORITY", OPTION),
                op(83, "SO_PASSRIGHTS", OPTION),
            ],
        ),
        level(
            6,
            "IPPROTO_TCP",
            &[
                op(1, "TCP_NODELAY", PLAIN_OPTION),
                op(2, "TCP_MAXSEG", OPTION),
                op(3, "TCP_CORK", OPTION),
                op(4, "TCP_KEEPIDLE", PLAIN_OPTION),
                op(5, "TCP_KEEPINTVL", PLAIN_OPTION),
                op(6, "TCP_KEEPCNT", PLAIN_OPTION),
                op(7, "TCP_SYNCNT", OPTION),
                op(8, "TCP_LINGER2", OPTION),
                op(9, "TCP_DEFER_ACCEPT", OPTION),
                op(10, "TCP_WINDOW_CLAMP", OPTION),
                op(12, "TCP_QUICKACK", OPTION),
                op(13, "TCP_CONGESTION", OPTION),
                op(16, "TCP_THIN_LINEAR_TIMEOUTS", OPTION),
                op(17, "TCP_THIN_DUPACK", OPTION),
                op(18, "TCP_USER_TIMEOUT", PLAIN_OPTION),
                op(23, "TCP_FASTOPEN", OPTION),
                op(24, "TCP_TIMESTAMP", OPTION),
                op(25, "TCP_NOTSENT_LOWAT", OPTION),
                op(27, "TCP_SAVE_SYN", OPTION),
                op(30, "TCP_FASTOPEN_CONNECT", OPTION),
                op(34, "TCP_FASTOPEN_NO_COOKIE", OPTION),
                op(36, "TCP_INQ", OPTION),
                op(37, "TCP_TX_DELAY", OPTION),
                op(44, "TCP_RTO_MAX_MS", OPTION),
                op(45, "TCP_RTO_MIN_US", OPTION),
                op(46, "TCP_DELACK_MAX_US", OPTION),
            ],
        ),
        level(
            17,
            "IPPROTO_UDP",
            &[op(1, "UDP_CORK", OPTION), op(103, "UDP_SEGMENT", OPTION), op(104, "UDP_GRO", OPTION)],
        ),
        level(
            41,
            "IPPROTO_IPV6",
            &[
                op(16, "IPV6_UNICAST_HOPS", OPTION),
                op(17, "IPV6_MULTICAST_IF", OPTION),
                op(18, "IPV6_MULTICAST_HOPS", OPTION),
                op(19, "IPV6_MULTICAST_LOOP", OPTION),
                op(20, "IPV6_JOIN_GROUP", OPTION),
                op(21, "IPV6_LEAVE_GROUP", OPTION),
                op(23, "IPV6_MTU_DISCOVER", OPTION),
                op(24, "IPV6_MTU", OPTION),
                op(25, "IPV6_RECVERR", OPTION),
                op(26, "IPV6_V6ONLY", OPTION),
                op(42, "MCAST_JOIN_GROUP", OPTION),
                op(45, "MCAST_LEAVE_GROUP", OPTION),
                op(49, "IPV6_RECVPKTINFO", OPTION),
                op(51, "IPV6_RECVHOPLIMIT", OPTION),
                op(62, "IPV6_DONTFRAG", OPTION),
                op(66, "IPV6_RECVTCLASS", OPTION),
                op(67, "IPV6_TCLASS", OPTION),
                op(70, "IPV6_AUTOFLOWLABEL", OPTION),
                op(72, "IPV6_ADDR_PREFERENCES", OPTION),
                op(76, "IPV6_UNICAST_IF", OPTION),
            ],
        ),
        level(58, "IPPROTO_ICMPV6", &[op(1, "ICMPV6_FILTER", OPTION)]),
        // Flow labels of IPv6 (option 32 above) stay in the machine for minutes; they have no row.
        level(
            270,
            "SOL_NETLINK",
            &[
                op(1, "NETLINK_ADD_MEMBERSHIP", OPTION),
                op(2, "NETLINK_DROP_MEMBERSHIP", OPTION),
                op(3, "NETLINK_PKTINFO", OPTION),
                op(4, "NETLINK_BROADCAST_ERROR", OPTION),
                op(5, "NETLINK_NO_ENOBUFS", OPTION),
                op(10, "NETLINK_CAP_ACK", OPTION),
                op(11, "NETLINK_EXT_ACK", OPTION),
                op(12, "NETLINK_GET_STRICT_CHK", OPTION),
            ],
        ),
    ],
    Refuse(ENOPROTOOPT, Start),
);

/// By family, and protocol in it.
pub(super) const SOCKET: Rule = Rule::Operations(
    &[
        family(1, "AF_UNIX", &[op(0, "any", PURE), op(1, "PF_UNIX", PURE)]),
        family(2, "AF_INET", INTERNET),
        family(10, "AF_INET6", INTERNET),
        // By NETLINK_SOCK_DIAG (4), which has no row, one sees everybody's connections.
        family(
            16,
            "AF_NETLINK",
            &[
                op(0, "NETLINK_ROUTE", PURE),
                op(15, "NETLINK_KOBJECT_UEVENT", PURE),
                op(16, "NETLINK_GENERIC", PURE),
            ],
        ),
    ],
    Refuse(UNKNOWN_PROTOCOL, Start),
);

// IPPROTO_MPTCP (262) has no row: several connections in one, of which little can be asked or guarded. Who is refused one
// takes one by TCP.
const INTERNET: &[Operation] = &[
    op(0, "any", PURE),
    op(1, "IPPROTO_ICMP", PURE),
    op(6, "IPPROTO_TCP", PURE),
    op(17, "IPPROTO_UDP", PURE),
    op(58, "IPPROTO_ICMPV6", PURE),
];

pub(super) const SOCKETPAIR: Rule = Rule::Operations(&[by(0, &[op(1, "AF_UNIX", PURE)])], UNKNOWN_PAIR);

const UNKNOWN_PAIR: Action = Refuse(UNKNOWN_FAMILY, Start);
