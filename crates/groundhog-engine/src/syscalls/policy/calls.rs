//! The rows of the system calls.
//!
//! Errors of refusals are those at which real programs go on: tried with 128 of them, see docs/policy.md.

use super::Action::{Deny, Refuse, See};
use super::Effect as E;
use super::Since::{Snapshot, Start};
use super::StateKind as K;
use super::{Clause, Rule, Scope, When, operations};
use groundhog_sys::Errno;
use syscalls::Sysno as S;

pub(super) const EPERM: Errno = Errno(1);
pub(super) const EINVAL: Errno = Errno(22);
pub(super) const ENOTTY: Errno = Errno(25);
const ENOMEM: Errno = Errno(12);
const ENOSPC: Errno = Errno(28);
const ENOSYS: Errno = Errno(38);
pub(super) const ENOPROTOOPT: Errno = Errno(92);
pub(super) const EOPNOTSUPP: Errno = Errno(95);
const ENOBUFS: Errno = Errno(105);

/// A clause for every call of a row.
pub(super) const fn always(effect: E) -> Clause {
    on(When::Always, effect)
}

/// A clause for some, from the snapshot on.
pub(super) const fn on(when: When, effect: E) -> Clause {
    Clause { when, action: See(effect, Snapshot) }
}

const fn refused(errno: Errno) -> Clause {
    refused_with(When::Always, errno)
}

const fn refused_with(when: When, errno: Errno) -> Clause {
    Clause { when, action: Refuse(errno, Snapshot) }
}

const fn never(errno: Errno) -> Clause {
    Clause { when: When::Always, action: Refuse(errno, Start) }
}

const fn never_with(when: When, errno: Errno) -> Clause {
    Clause { when, action: Refuse(errno, Start) }
}

const fn sets(kind: K, scope: Scope) -> Clause {
    always(E::Sets(kind, scope))
}

const fn retires(scope: Scope) -> Clause {
    always(E::Retires(scope))
}

/// Attributes of a file, and of what is open without a name.
const ATTRIBUTES: Rule = Rule::Clauses(&[always(E::Files), always(E::Inodes)]);
const FILES: Rule = Rule::Clauses(&[always(E::Files)]);
const LAYOUT: Rule = Rule::Clauses(&[always(E::Layout)]);
const FIRST: When = When::Snapshot(0);
// What is done without a break, and so that nothing ends it before: less takes some 60 ms at most.
const MUCH_MEMORY: When = When::WholeAtLeast(1, 4 << 30);
const MANY_PAGES: When = When::WholeAtLeast(1, 1 << 20);
/// By `sendmmsg` the kernel itself takes no more.
const MANY_MESSAGES: When = When::AtLeast(2, 1024 + 1);
/// Each message that is sent may cost a tenth of a second: all questions to the kernel that fit in one are answered before the call ends,
/// and filters of all sockets that it goes to are run. Programs send 128 at most.
const MANY_SENT: When = When::AtLeast(2, 128 + 1);
/// Of a connection each look may be at all that waits, some 30 MB, which is there for the next.
const SEVERAL_LOOKS: When = When::All(&[When::AtLeast(2, 2), When::Has(3, MSG_PEEK, MSG_PEEK)]);
const SECOND: When = When::Snapshot(1);

const MSG_PEEK: u32 = 2;
const MSG_MORE: u32 = 0x8000;
const MSG_ZEROCOPY: u32 = 0x0400_0000;
/// `MSG_FASTOPEN`
const MSG_FASTOPEN: u32 = 0x2000_0000;
const MAP_TYPE: u32 = 0x0f;
const MAP_DROPPABLE: u32 = 0x08;
const MAP_GROWSDOWN: u32 = 0x100;
const MAP_LOCKED: u32 = 0x2000;
const MAP_HUGETLB: u32 = 0x4_0000;
const MFD_HUGETLB: u32 = 4;
const MREMAP_FIXED: u32 = 2;
const O_WRONLY: u32 = 1;
const O_RDWR: u32 = 2;
const O_CREAT: u32 = 0o100;
const O_TRUNC: u32 = 0o1000;
const CLONE_FS: u32 = 0x200;
const CLONE_FILES: u32 = 0x400;
const CLONE_SIGHAND: u32 = 0x800;
const CLONE_VFORK: u32 = 0x4000;
const CLONE_PARENT: u32 = 0x8000;
const CLONE_THREAD: u32 = 0x0001_0000;
const CLONE_UNTRACED: u32 = 0x0080_0000;
const CLONE_IO: u32 = 0x8000_0000;
/// `CLONE_NEWNS`, `NEWCGROUP`, `NEWUTS`, `NEWIPC`, `NEWUSER`, `NEWPID`, `NEWNET`: in a user namespace of its own
/// a process has every capability.
const CLONE_NEW: [u32; 7] =
    [0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];
const CLOSE_RANGE_UNSHARE: u32 = 2;
const AT_SYMLINK_FOLLOW: u32 = 0x400;
const AT_EMPTY_PATH: u32 = 0x1000;
const PRIO_PROCESS: u32 = 0;
const IOPRIO_WHO_PROCESS: u32 = 1;
const SOL_SOCKET: u32 = 1;
const SO_MEMINFO: u32 = 55;
const IPPROTO_TCP: u32 = 6;
const TCP_ZEROCOPY_RECEIVE: u32 = 35;
const TCP_SAVED_SYN: u32 = 28;

/// A thread that its maker waits for could not be stopped; a child that shares what threads share could change it in our
/// process's place; an untraced one would not be seen.
const CLONE: &[Clause] = &[
    never_with(When::Has(0, CLONE_UNTRACED, CLONE_UNTRACED), EPERM),
    never_with(When::Has(0, CLONE_VFORK | CLONE_THREAD, CLONE_VFORK | CLONE_THREAD), EPERM),
    never_with(When::Has(0, CLONE_THREAD | CLONE_FS, CLONE_FS), EPERM),
    never_with(When::Has(0, CLONE_THREAD | CLONE_FILES, CLONE_FILES), EPERM),
    never_with(When::Has(0, CLONE_THREAD | CLONE_SIGHAND, CLONE_SIGHAND), EPERM),
    never_with(When::Has(0, CLONE_THREAD | CLONE_PARENT, CLONE_PARENT), EPERM),
    // Its I/O priority would be its maker's.
    never_with(When::Has(0, CLONE_IO, CLONE_IO), EPERM),
    // A thread with a table, a directory or handlers of its own: nothing could be said of "the process's" any more.
    never_with(When::Has(0, CLONE_THREAD | CLONE_FS, CLONE_THREAD), EPERM),
    never_with(When::Has(0, CLONE_THREAD | CLONE_FILES, CLONE_THREAD), EPERM),
    never_with(When::Has(0, CLONE_NEW[0], CLONE_NEW[0]), EPERM),
    never_with(When::Has(0, CLONE_NEW[1], CLONE_NEW[1]), EPERM),
    never_with(When::Has(0, CLONE_NEW[2], CLONE_NEW[2]), EPERM),
    never_with(When::Has(0, CLONE_NEW[3], CLONE_NEW[3]), EPERM),
    never_with(When::Has(0, CLONE_NEW[4], CLONE_NEW[4]), EPERM),
    never_with(When::Has(0, CLONE_NEW[5], CLONE_NEW[5]), EPERM),
    never_with(When::Has(0, CLONE_NEW[6], CLONE_NEW[6]), EPERM),
];

/// Opening for writing.
const fn opens(flags: u8) -> [Clause; 5] {
    [
        on(When::Has(flags, O_WRONLY, O_WRONLY), E::Files),
        on(When::Has(flags, O_RDWR, O_RDWR), E::Files),
        on(When::Has(flags, O_CREAT, O_CREAT), E::Files),
        on(When::Has(flags, O_TRUNC, O_TRUNC), E::Truncation),
        on(When::Has(flags, O_TRUNC, O_TRUNC), E::Files),
    ]
}

/// Sending, with its flags in this argument.
const fn sends(flags: u8) -> [Clause; 4] {
    [
        never_with(When::Has(flags, MSG_ZEROCOPY, MSG_ZEROCOPY), ENOBUFS),
        on(When::Watched(0), E::Transfer(0)),
        on(SENDS_LATER[flags as usize - 2], E::Corks(0)),
        on(CONNECTS[flags as usize - 2], E::Retires(Scope::File)),
    ]
}

/// All advice but `POSIX_FADV_WILLNEED` and `POSIX_FADV_DONTNEED`.
const SETS_READING: When = When::All(&[When::IsNot(3, 3), When::IsNot(3, 4)]);
const SENDS_LATER: [When; 2] = [
    When::All(&[When::Socket(0), When::Has(2, MSG_MORE, MSG_MORE)]),
    When::All(&[When::Socket(0), When::Has(3, MSG_MORE, MSG_MORE)]),
];
const CONNECTS: [When; 2] = [
    When::All(&[When::Socket(0), When::Has(2, MSG_FASTOPEN, MSG_FASTOPEN)]),
    When::All(&[When::Socket(0), When::Has(3, MSG_FASTOPEN, MSG_FASTOPEN)]),
];

/// Asks a connection for the message that began it.
const TAKES_SYN: When = When::All(&[When::Socket(0), When::Is(1, IPPROTO_TCP), When::Is(2, TCP_SAVED_SYN)]);

const OPEN: &[Clause] = &opens(1);
const OPENAT: &[Clause] = &opens(2);
const SENDTO: &[Clause] = &sends(3);
const SENDMSG: &[Clause] = &[sends(2)[0], sends(2)[1], sends(2)[2], sends(2)[3], always(E::Control)];
const SENDMMSG: &[Clause] = &[
    never_with(MANY_SENT, EINVAL),
    sends(3)[0],
    sends(3)[1],
    sends(3)[2],
    sends(3)[3],
    always(E::Control),
    always(E::Questions(0)),
];

/// Each call once.
pub(super) const CALLS: &[(&[S], Rule)] = &[
    // Nothing outlives them but registers and memory, or what every restore compares: offsets, contents of files that are
    // open for writing, what waits in pipes and sockets, threads, children, new descriptors.
    (
        &[
            S::stat,
            S::fstat,
            S::lstat,
            S::newfstatat,
            S::statx,
            S::statfs,
            S::fstatfs,
            S::ustat,
            S::access,
            S::faccessat,
            S::faccessat2,
            S::readlink,
            S::readlinkat,
            S::getcwd,
            S::getdents,
            S::getdents64,
            S::getxattr,
            S::lgetxattr,
            S::fgetxattr,
            S::getxattrat,
            S::listxattr,
            S::llistxattr,
            S::flistxattr,
            S::listxattrat,
            S::name_to_handle_at,
            S::file_getattr,
            S::lseek,
            S::pread64,
            S::pwrite64,
            S::preadv,
            S::pwritev,
            S::fsync,
            S::fdatasync,
            S::sync,
            S::syncfs,
            S::sync_file_range,
            S::readahead,
            S::cachestat,
            S::copy_file_range,
            S::statmount,
            S::listmount,
            S::sysfs,
        ],
        Rule::Clauses(&[]),
    ),
    (
        &[
            S::poll,
            S::ppoll,
            S::select,
            S::pselect6,
            S::epoll_wait,
            S::epoll_pwait,
            S::epoll_pwait2,
            S::pause,
            S::nanosleep,
            S::clock_nanosleep,
            S::sched_yield,
            S::futex,
            S::futex_waitv,
            S::futex_wake,
            S::futex_wait,
            S::futex_requeue,
            S::rt_sigprocmask,
            S::rt_sigpending,
            S::rt_sigtimedwait,
            S::rt_sigsuspend,
            S::wait4,
            S::waitid,
            S::exit_group,
            S::msync,
            S::rseq,
            // Where it is, each restore asks.
            S::set_robust_list,
            S::getrandom,
            S::getcpu,
            S::uretprobe,
            S::uprobe,
        ],
        Rule::Clauses(&[]),
    ),
    (
        &[
            S::getpid,
            S::gettid,
            S::getppid,
            S::getpgrp,
            S::getpgid,
            S::getsid,
            S::getuid,
            S::geteuid,
            S::getgid,
            S::getegid,
            S::getresuid,
            S::getresgid,
            S::getgroups,
            S::capget,
            S::getpriority,
            S::sched_getparam,
            S::sched_getscheduler,
            S::sched_getattr,
            S::sched_getaffinity,
            S::sched_get_priority_max,
            S::sched_get_priority_min,
            S::sched_rr_get_interval,
            S::ioprio_get,
            S::getrlimit,
            S::getrusage,
            S::times,
            S::time,
            S::gettimeofday,
            S::clock_gettime,
            S::clock_getres,
            S::getitimer,
            S::timer_gettime,
            S::timer_getoverrun,
            S::timerfd_gettime,
            S::sysinfo,
            S::uname,
            S::get_mempolicy,
            S::get_robust_list,
            S::get_thread_area,
            S::lsm_get_self_attr,
            S::lsm_list_modules,
        ],
        Rule::Clauses(&[]),
    ),
    // New descriptors are closed.
    (
        &[
            S::pipe,
            S::pipe2,
            S::accept,
            S::accept4,
            S::getsockname,
            S::getpeername,
            S::epoll_create,
            S::epoll_create1,
            S::eventfd,
            S::eventfd2,
            S::timerfd_create,
            S::inotify_init,
            S::inotify_init1,
            S::fanotify_init,
            S::pidfd_open,
            S::landlock_create_ruleset,
        ],
        Rule::Clauses(&[]),
    ),
    // As where the kernel has none. Chromium asks for all flags there are, and ends if it is told anything else.
    (&[S::memfd_create], Rule::Clauses(&[refused_with(When::Has(1, MFD_HUGETLB, MFD_HUGETLB), EINVAL)])),
    // Files.
    (&[S::open], Rule::Clauses(OPEN)),
    (&[S::openat], Rule::Clauses(OPENAT)),
    (
        // The flags of openat2 lie in memory.
        &[S::openat2, S::creat, S::open_by_handle_at, S::truncate, S::ftruncate, S::fallocate],
        Rule::Clauses(&[always(E::Files), always(E::Truncation)]),
    ),
    (
        &[
            S::rename,
            S::renameat,
            S::renameat2,
            S::mkdir,
            S::mkdirat,
            S::rmdir,
            S::link,
            S::unlink,
            S::unlinkat,
            S::symlink,
            S::symlinkat,
            S::mknod,
            S::mknodat,
        ],
        FILES,
    ),
    (
        &[
            S::chmod,
            S::fchmod,
            S::fchmodat,
            S::fchmodat2,
            S::chown,
            S::fchown,
            S::lchown,
            S::fchownat,
            S::utime,
            S::utimes,
            S::futimesat,
            S::utimensat,
            S::setxattr,
            S::lsetxattr,
            S::fsetxattr,
            S::setxattrat,
            S::removexattr,
            S::lremovexattr,
            S::fremovexattr,
            S::removexattrat,
        ],
        ATTRIBUTES,
    ),
    (
        &[S::linkat],
        Rule::Clauses(&[
            always(E::Files),
            on(When::Has(4, AT_EMPTY_PATH, AT_EMPTY_PATH), E::Names),
            on(When::Has(4, AT_SYMLINK_FOLLOW, AT_SYMLINK_FOLLOW), E::Names),
        ]),
    ),
    // Flags of files (chattr(1)) show in no list of a folder.
    (&[S::file_setattr], Rule::Clauses(&[never(ENOSYS)])),
    // The address space.
    (&[S::munmap, S::mprotect, S::pkey_mprotect, S::brk, S::shmdt, S::remap_file_pages], LAYOUT),
    (
        &[S::mmap],
        Rule::Clauses(&[
            always(E::Layout),
            on(When::Has(3, MAP_TYPE, MAP_DROPPABLE), E::MappingFlags),
            on(When::Has(3, MAP_GROWSDOWN, MAP_GROWSDOWN), E::MappingFlags),
            on(When::Has(3, MAP_LOCKED, MAP_LOCKED), E::MappingFlags),
            // The kernel takes whole huge pages where a call names the beginning of one, whoever is asked what it removes. As where the
            // machine has none.
            refused_with(When::Has(3, MAP_HUGETLB, MAP_HUGETLB), ENOMEM),
        ]),
    ),
    (
        &[S::mremap],
        Rule::Clauses(&[
            always(E::Layout),
            always(E::Moves),
            on(When::Has(3, MREMAP_FIXED, MREMAP_FIXED), E::MappingFlags),
        ]),
    ),
    (&[S::madvise], operations::MADVISE),
    (&[S::mbind], Rule::Clauses(&[always(E::MemoryPolicy)])),
    (&[S::set_mempolicy_home_node], Rule::Clauses(&[retires(Scope::Memory)])),
    (&[S::set_mempolicy], Rule::Clauses(&[retires(Scope::Thread)])),
    (
        &[S::mlock, S::munlock, S::mlockall, S::munlockall, S::mlock2],
        Rule::Clauses(&[sets(K::MemoryLocks, Scope::Memory)]),
    ),
    (&[S::modify_ldt], Rule::Clauses(&[on(When::IsNot(0, 0), E::Retires(Scope::Memory))])),
    // Keys of memory, of which the next caller would get another one, and which mappings have unseen.
    (&[S::pkey_alloc], Rule::Clauses(&[never(ENOSPC)])),
    (&[S::pkey_free], Rule::Clauses(&[refused(EINVAL)])),
    // A sealed mapping could not be removed.
    (&[S::mseal], Rule::Clauses(&[refused(ENOSYS)])),
    // Nothing ends these before they are done, not even SIGKILL, and some kernels run nothing else on the processor meanwhile. Of a file
    // with holes, and with the same memory for all answers, 64 TiB cost nothing but minutes.
    (&[S::mincore], Rule::Clauses(&[never_with(MUCH_MEMORY, EINVAL)])),
    (&[S::move_pages], Rule::Clauses(&[never_with(MANY_PAGES, EINVAL), retires(Scope::Named(0))])),
    (&[S::migrate_pages], Rule::Clauses(&[retires(Scope::Named(0))])),
    // Written pages could be made to look clean. The engine makes its own inside the process.
    (&[S::userfaultfd], Rule::Clauses(&[Clause { when: When::Always, action: Deny(EPERM, Start) }])),
    (&[S::map_shadow_stack], Rule::Clauses(&[never(EOPNOTSUPP)])),
    // Memory that nobody can read cannot be compared.
    (&[S::memfd_secret], Rule::Clauses(&[never(ENOSYS)])),
    (&[S::process_madvise, S::process_mrelease], Rule::Clauses(&[never(ENOSYS)])),
    // Descriptors.
    (&[S::close], Rule::Clauses(&[on(FIRST, E::Closes)])),
    (
        &[S::close_range],
        Rule::Clauses(&[
            always(E::Closes),
            on(When::Has(2, CLOSE_RANGE_UNSHARE, CLOSE_RANGE_UNSHARE), E::Retires(Scope::Process)),
        ]),
    ),
    (&[S::dup], Rule::Clauses(&[on(FIRST, E::Duplicates(0))])),
    (&[S::dup2, S::dup3], Rule::Clauses(&[on(FIRST, E::Duplicates(0)), on(SECOND, E::Numbers)])),
    (&[S::fcntl], operations::FCNTL),
    (&[S::ioctl], operations::IOCTL),
    (&[S::flock, S::signalfd, S::signalfd4], Rule::Clauses(&[on(FIRST, E::OpenFile(0))])),
    // Which set it is about shows in the target: one that is new leaves every set when it is closed.
    (&[S::epoll_ctl], Rule::Clauses(&[on(When::Snapshot(2), E::Members(0))])),
    (&[S::timerfd_settime], Rule::Clauses(&[on(FIRST, E::TimerDescriptor(0))])),
    (
        &[S::inotify_add_watch, S::inotify_rm_watch, S::fanotify_mark, S::landlock_add_rule],
        Rule::Clauses(&[on(FIRST, E::Retires(Scope::File))]),
    ),
    // The others, to fetch pages and to drop them, leave nothing with the open file.
    (&[S::fadvise64], Rule::Clauses(&[on(SETS_READING, E::ReadsAhead(0))])),
    (&[S::read, S::readv, S::preadv2], Rule::Clauses(&[on(When::Watched(0), E::Transfer(0))])),
    (&[S::write, S::writev, S::pwritev2], Rule::Clauses(&[on(When::Watched(0), E::Transfer(0))])),
    // Sockets.
    (&[S::socket], operations::SOCKET),
    (&[S::socketpair], operations::SOCKETPAIR),
    (&[S::setsockopt], operations::SETSOCKOPT),
    (
        &[S::getsockopt],
        // It maps pages of the network's into the process.
        Rule::Clauses(&[
            never_with(When::All(&[When::Is(1, IPPROTO_TCP), When::Is(2, TCP_ZEROCOPY_RECEIVE)]), EOPNOTSUPP),
            // It tells what the kernel keeps of messages that are gone, and of connections that it dropped, whoever wanted them.
            never_with(When::All(&[When::Is(1, SOL_SOCKET), When::Is(2, SO_MEMINFO)]), ENOPROTOOPT),
            // It is told once.
            on(TAKES_SYN, E::Retires(Scope::File)),
        ]),
    ),
    (&[S::bind], Rule::Clauses(&[always(E::Files), on(FIRST, E::Retires(Scope::File))])),
    (&[S::connect, S::listen], Rule::Clauses(&[on(FIRST, E::Retires(Scope::File))])),
    (&[S::shutdown], Rule::Clauses(&[on(FIRST, E::Shuts(0))])),
    (&[S::sendto], Rule::Clauses(SENDTO)),
    (&[S::sendmsg], Rule::Clauses(SENDMSG)),
    (&[S::sendmmsg], Rule::Clauses(SENDMMSG)),
    (&[S::recvfrom, S::recvmsg], Rule::Clauses(&[on(When::Watched(0), E::Transfer(0))])),
    // One message can be looked at four billion times, which nothing ends.
    (
        &[S::recvmmsg],
        Rule::Clauses(&[
            never_with(MANY_MESSAGES, EINVAL),
            never_with(SEVERAL_LOOKS, EINVAL),
            on(When::Watched(0), E::Transfer(0)),
        ]),
    ),
    // The kernel goes on using the pages of the file after the answer.
    (
        &[S::sendfile],
        Rule::Clauses(&[
            Clause { when: When::Always, action: See(E::SharesPages(1, 0), Start) },
            on(When::Watched(0), E::Transfer(0)),
            on(When::Watched(1), E::Transfer(1)),
            on(When::Socket(0), E::Corks(0)),
        ]),
    ),
    (
        &[S::splice],
        Rule::Clauses(&[
            Clause { when: When::Always, action: See(E::SharesPages(0, 2), Start) },
            on(When::Watched(0), E::Transfer(0)),
            on(When::Watched(2), E::Transfer(2)),
            on(When::Socket(2), E::Corks(2)),
        ]),
    ),
    // A pipe in the hand of a child that splices from a socket has `tee` wait for ever, with the other pipe in its own hand.
    (&[S::vmsplice, S::tee], Rule::Clauses(&[never(EINVAL)])),
    // Signals and timers.
    (&[S::rt_sigaction], Rule::Clauses(&[on(When::Points(1), E::SignalAction)])),
    (
        &[S::kill, S::tkill, S::tgkill, S::rt_sigqueueinfo, S::rt_tgsigqueueinfo, S::pidfd_send_signal],
        Rule::Clauses(&[always(E::Signals)]),
    ),
    (&[S::sigaltstack], Rule::Clauses(&[on(When::Points(0), E::Sets(K::AlternateStack, Scope::Thread))])),
    (&[S::rt_sigreturn], Rule::Clauses(&[sets(K::AlternateStack, Scope::Thread)])),
    (&[S::restart_syscall], Rule::Clauses(&[always(E::Restarts)])),
    (&[S::alarm, S::setitimer], Rule::Clauses(&[sets(K::IntervalTimers, Scope::Process)])),
    (&[S::timer_create], Rule::Clauses(&[sets(K::TimerNumbers, Scope::Process)])),
    (&[S::timer_settime, S::timer_delete], Rule::Clauses(&[sets(K::PosixTimers, Scope::Process)])),
    // Settings of threads and processes.
    (&[S::prctl], operations::PRCTL),
    (&[S::arch_prctl], operations::ARCH_PRCTL),
    (&[S::membarrier], operations::MEMBARRIER),
    (&[S::seccomp], operations::SECCOMP),
    (&[S::kcmp], operations::KCMP),
    (&[S::personality], Rule::Clauses(&[on(When::IsNot(0, u32::MAX), E::Sets(K::Settings, Scope::Thread))])),
    (&[S::umask], Rule::Clauses(&[sets(K::Mask, Scope::Process)])),
    (&[S::chdir, S::fchdir], Rule::Clauses(&[sets(K::Directory, Scope::Process)])),
    (&[S::setrlimit], Rule::Clauses(&[sets(K::Limits, Scope::Process)])),
    (&[S::prlimit64], Rule::Clauses(&[on(When::Points(2), E::Sets(K::Limits, Scope::Named(0)))])),
    (
        &[S::sched_setparam, S::sched_setscheduler, S::sched_setattr, S::sched_setaffinity],
        Rule::Clauses(&[sets(K::Scheduling, Scope::Named(0))]),
    ),
    (
        &[S::setpriority],
        Rule::Clauses(&[
            on(When::Is(0, PRIO_PROCESS), E::Sets(K::Scheduling, Scope::NamedIf(1, PRIO_PROCESS))),
            // Of a group or a user, which others may be in: they would go on with it.
            refused_with(When::IsNot(0, PRIO_PROCESS), EPERM),
        ]),
    ),
    (
        &[S::ioprio_set],
        Rule::Clauses(&[
            on(
                When::Is(0, IOPRIO_WHO_PROCESS),
                E::Sets(K::Scheduling, Scope::NamedIf(1, IOPRIO_WHO_PROCESS)),
            ),
            refused_with(When::IsNot(0, IOPRIO_WHO_PROCESS), EPERM),
        ]),
    ),
    (
        &[
            S::setuid,
            S::setgid,
            S::setreuid,
            S::setregid,
            S::setresuid,
            S::setresgid,
            S::setfsuid,
            S::setfsgid,
        ],
        // Whoever becomes another user is not dumpable any more, nor are all that share its memory.
        Rule::Clauses(&[retires(Scope::Thread), sets(K::Dumpable, Scope::Memory)]),
    ),
    (&[S::exit], Rule::Clauses(&[always(E::EndsThread)])),
    (
        &[S::setgroups, S::capset, S::set_thread_area, S::set_tid_address],
        Rule::Clauses(&[retires(Scope::Thread)]),
    ),
    (
        &[S::landlock_restrict_self],
        // Newer kernels have a flag by which one thread restricts all.
        Rule::Clauses(&[retires(Scope::Thread), on(When::IsNot(1, 0), E::Retires(Scope::Process))]),
    ),
    (&[S::setsid], Rule::Clauses(&[retires(Scope::Process)])),
    (&[S::setpgid], Rule::Clauses(&[retires(Scope::Named(0))])),
    (&[S::iopl, S::ioperm], Rule::Clauses(&[refused(EPERM)])),
    (&[S::lsm_set_self_attr], Rule::Clauses(&[refused(EOPNOTSUPP)])),
    // Threads, processes, programs.
    (&[S::clone], Rule::Child(CLONE)),
    (&[S::fork, S::vfork, S::execve, S::execveat], Rule::Child(&[])),
    // Its flags lie in memory, where no program sees them; C libraries use `clone` then.
    (&[S::clone3], Rule::Child(&[never(ENOSYS)])),
    (&[S::unshare, S::setns], Rule::Clauses(&[never(EPERM)])),
    // Into other processes.
    (&[S::ptrace, S::process_vm_readv, S::process_vm_writev, S::pidfd_getfd], Rule::Clauses(&[never(EPERM)])),
    // Objects with names, which outlive the process where it has no namespace of its own.
    (
        &[
            S::shmget,
            S::shmat,
            S::shmctl,
            S::semget,
            S::semop,
            S::semctl,
            S::semtimedop,
            S::msgget,
            S::msgsnd,
            S::msgrcv,
            S::msgctl,
            S::mq_open,
            S::mq_unlink,
            S::mq_timedsend,
            S::mq_timedreceive,
            S::mq_notify,
            S::mq_getsetattr,
        ],
        Rule::Clauses(&[retires(Scope::Machine)]),
    ),
    // Keys belong to the user.
    (&[S::add_key, S::request_key, S::keyctl], Rule::Clauses(&[never(ENOSYS)])),
    // Work of the kernel's that goes on behind everyone's back, or without any call.
    (
        &[
            S::io_setup,
            S::io_destroy,
            S::io_getevents,
            S::io_pgetevents,
            S::io_submit,
            S::io_cancel,
            S::io_uring_setup,
            S::io_uring_enter,
            S::io_uring_register,
        ],
        Rule::Clauses(&[never(ENOSYS)]),
    ),
    (&[S::bpf, S::perf_event_open], Rule::Clauses(&[never(EPERM)])),
    // The machine.
    (
        &[
            S::mount,
            S::umount2,
            S::pivot_root,
            S::chroot,
            S::open_tree,
            S::open_tree_attr,
            S::move_mount,
            S::fsopen,
            S::fsconfig,
            S::fsmount,
            S::fspick,
            S::mount_setattr,
            S::sethostname,
            S::setdomainname,
            S::vhangup,
            S::syslog,
            S::acct,
        ],
        Rule::Clauses(&[refused(EPERM)]),
    ),
    (
        &[
            S::adjtimex,
            S::clock_adjtime,
            S::settimeofday,
            S::clock_settime,
            S::swapon,
            S::swapoff,
            S::reboot,
            S::init_module,
            S::finit_module,
            S::delete_module,
            S::kexec_load,
            S::kexec_file_load,
            S::quotactl,
            S::quotactl_fd,
        ],
        Rule::Clauses(&[never(EPERM)]),
    ),
    // What no kernel of today has.
    (
        &[
            S::uselib,
            S::_sysctl,
            S::create_module,
            S::get_kernel_syms,
            S::query_module,
            S::nfsservctl,
            S::getpmsg,
            S::putpmsg,
            S::afs_syscall,
            S::tuxcall,
            S::security,
            S::lookup_dcookie,
            S::epoll_ctl_old,
            S::epoll_wait_old,
            S::vserver,
        ],
        Rule::Clauses(&[never(ENOSYS)]),
    ),
];
