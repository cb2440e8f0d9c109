#!/usr/bin/env python3
"""Make the seccomp profile for containers in which Groundhog runs.

    make_seccomp_profile.py > seccomp.json                   the profile that ships with the project
    make_seccomp_profile.py --add-to YOURS.json > NEW.json   your own profile, with what the engine needs

The profile is flat: it has none of the conditions on capabilities, kernels and architectures with which
Docker's own is written. containerd reads the profiles of Kubernetes without them, and would then allow every
call that Docker grants to privileged containers only. So one file serves Docker, Podman and Kubernetes.

It allows what Docker allows to an x86-64 container without capabilities, and the calls of `ENGINE`; less
- 32-bit programs, whose registers the engine does not know;
- asynchronous I/O (io_setup and its kin), which writes memory behind the engine's back;
- memfd_secret: memory that no snapshot can read;
- families of sockets, personalities and calls (modify_ldt, remap_file_pages) that functions have no use for.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

Rule = dict[str, Any]

# By subject: what programs without capabilities may always call.
ALWAYS = {
    "files": """
        access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat
        faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync
        flock fstat fstatfs fsync ftruncate futimesat getcwd getdents getdents64 ioctl lchown link
        linkat lseek lstat mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2
        pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv rename
        renameat renameat2 rmdir sendfile splice stat statfs statx symlink symlinkat sync
        sync_file_range syncfs tee truncate umask unlink unlinkat utime utimensat utimes vmsplice write
        writev listmount statmount
    """,
    "extended attributes": """
        fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat
        llistxattr lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat
    """,
    "waiting, and being told of files": """
        epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2
        fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch poll ppoll pselect6
        select
    """,
    "pipes and sockets": """
        accept accept4 bind connect getpeername getsockname getsockopt listen pipe pipe2 recvfrom
        recvmmsg recvmsg sendmmsg sendmsg sendto setsockopt shutdown socketpair
    """,
    "memory": """
        brk cachestat madvise map_shadow_stack memfd_create mincore mlock mlock2 mlockall mmap mprotect
        mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect
    """,
    "processes and threads": """
        arch_prctl execve execveat exit exit_group fork futex futex_requeue futex_wait futex_waitv
        futex_wake get_robust_list get_thread_area getcpu getpgid getpgrp getpid getppid getpriority
        getsid gettid kill membarrier pidfd_open pidfd_send_signal prctl process_mrelease
        restart_syscall rseq set_robust_list set_thread_area set_tid_address setpgid setpriority setsid
        tgkill tkill uretprobe vfork wait4 waitid
    """,
    "a tracer and its own processes": "process_vm_readv process_vm_writev ptrace",
    "signals": """
        pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
        rt_sigtimedwait rt_tgsigqueueinfo sigaltstack signalfd signalfd4
    """,
    "scheduling and limits": """
        getrlimit getrusage ioprio_get ioprio_set prlimit64 sched_get_priority_max
        sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
        sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler
        sched_yield setrlimit sysinfo times uname
    """,
    "clocks and timers": """
        adjtimex alarm clock_adjtime clock_getres clock_gettime clock_nanosleep getitimer gettimeofday
        nanosleep setitimer time timer_create timer_delete timer_getoverrun timer_gettime timer_settime
        timerfd_create timerfd_gettime timerfd_settime
    """,
    "who a process is, and giving up rights": """
        capget capset getegid geteuid getgid getgroups getresgid getresuid getuid landlock_add_rule
        landlock_create_ruleset landlock_restrict_self seccomp setfsgid setfsuid setgid setgroups
        setregid setresgid setresuid setreuid setuid
    """,
    "System V and POSIX queues, semaphores, shared memory": """
        mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv
        msgsnd semctl semget semop semtimedop shmat shmctl shmdt shmget
    """,
    "random numbers": "getrandom",
}

# Families of sockets: local, IPv4, IPv6, netlink (which resolvers ask for the machine's addresses).
SOCKET_FAMILIES = (1, 2, 10, 16)
# Execution domains: the usual one, and the question which it is.
PERSONALITIES = (0, 0xFFFF_FFFF)
# CLONE_NEW* of clone(2): namespaces are for those with capabilities.
NEW_NAMESPACES = 0x7E02_0000
ENOSYS = 38

UFFD_USER_MODE_ONLY = 1
KCMP_FILE = 0


def _allow(*names: str, comment: str, args: list[dict[str, Any]] | None = None) -> Rule:
    rule: Rule = {"names": list(names), "action": "SCMP_ACT_ALLOW", "comment": comment}
    return {**rule, "args": args} if args else rule


def _equals(index: int, value: int, mask: int | None = None) -> dict[str, Any]:
    if mask is None:
        return {"index": index, "value": value, "op": "SCMP_CMP_EQ"}
    return {"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}


# What the engine calls and Docker refuses to a container without capabilities. None needs a capability: the
# kernel lets a process do this to itself and to what it traces.
ENGINE = [
    _allow(
        "userfaultfd",
        comment="which pages a request writes; for faults in user mode only, so no kernel code waits on it",
        args=[_equals(0, UFFD_USER_MODE_ONLY, mask=UFFD_USER_MODE_ONLY)],
    ),
    _allow(
        "pidfd_getfd", comment="takes that userfaultfd over from the function process; compares descriptors"
    ),
    _allow(
        "kcmp",
        comment="whether a descriptor still names the file that it named; no other comparison",
        args=[_equals(2, KCMP_FILE)],
    ),
]


def base() -> list[Rule]:
    """What any container without capabilities may call."""
    return [
        *(_allow(*sorted(names.split()), comment=subject) for subject, names in ALWAYS.items()),
        *(
            _allow("socket", comment="local, IPv4, IPv6, netlink", args=[_equals(0, family)])
            for family in SOCKET_FAMILIES
        ),
        *(
            _allow("personality", comment="the usual one, or asking", args=[_equals(0, value)])
            for value in PERSONALITIES
        ),
        _allow("clone", comment="without new namespaces", args=[_equals(0, 0, mask=NEW_NAMESPACES)]),
        {
            "names": ["clone3"],
            "action": "SCMP_ACT_ERRNO",
            "errnoRet": ENOSYS,
            "comment": "its flags are in memory, where no filter sees them: programs then use clone",
        },
    ]


def profile(rules: list[Rule]) -> dict[str, Any]:
    """A profile that answers EPERM to whatever `rules` do not allow."""
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 1,
        "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": rules,
    }


def add_to(existing: Any) -> dict[str, Any]:
    """The profile `existing` with what the engine needs, and without rules that refuse it.

    Raises:
        ValueError: it is no seccomp profile.
    """
    rules = existing.get("syscalls") if isinstance(existing, dict) else None
    if "defaultAction" not in existing or not isinstance(rules, list):
        raise ValueError("not a seccomp profile: it has no defaultAction and no list of syscalls")
    needed = {name for rule in ENGINE for name in rule["names"]}
    kept = []
    for rule in rules:
        # A refusal without conditions would win over what is allowed for some arguments.
        refused = set() if rule["action"] == "SCMP_ACT_ALLOW" else needed
        names = [name for name in rule["names"] if name not in refused]
        if names:
            kept.append({**rule, "names": names})
    return {**existing, "syscalls": [*kept, *ENGINE]}


def main() -> None:
    """Write the profile to standard output."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--add-to", metavar="YOURS.json", type=Path, help="add to this profile instead")
    path = parser.parse_args().add_to
    if path is None:
        made = profile([*base(), *ENGINE])
    else:
        try:
            made = add_to(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError) as error:
            parser.exit(1, f"{parser.prog}: {path}: {error}\n")
    json.dump(made, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
