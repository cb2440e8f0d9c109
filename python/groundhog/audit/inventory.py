"""Every state that a request can leave behind, and what becomes of it: the table of code, tests, documents.

A victim of the catalog names the row that it shows by its channel. A row without a victim says why. `OUTSIDE`
is what no restore of a process can put back.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One kind of state."""

    channel: str  # its short name, in reports
    state: str  # in words, as the document has it
    answer: str
    unshown: str = ""  # why no victim shows it; empty: there are some


MEMORY = "heap, globals, stack, TLS, thread stacks"
LAYOUT = "mappings added, removed, moved, split, merged, re-protected, grown; brk"
FILES = "private file mappings, copied-on-write pages"
ADVICE = "what a mapping is beyond its protection"
SHARED = "shared memory"
REGISTERS = "registers"
THREADS = "threads started"
THREADS_LOST = "threads ended"
CHILDREN = "children, grandchildren, daemons"
PARENT = "what a child did to its parent"
DESCRIPTORS = "fds opened"
DESCRIPTORS_REPLACED = "fds closed or replaced"
DESCRIPTORS_STATE = "flags and offsets of fds, bytes in empty pipes"
QUEUES = "bytes left in pipes, pairs of sockets, eventfds, timers"
CONNECTIONS = "connections from before the snapshot"
LOCKS = "locks, owners, sizes, seals of open files"
SOCKETS = "sockets: options, ports, descriptors sent over them"
NETWORK = "tables of the network"
SIGNAL_ACTIONS = "signal handlers"
SIGNALS = "pending signals"
TIMERS = "interval timers, POSIX timers, alarms"
ATTRIBUTES = "cwd, umask, rlimits, nice, affinity, name, mlock"
OBJECTS = "System V objects, POSIX queues, keys, mounts"
PRIVILEGES = "exec, prctl values, seccomp filters"
OF_THREADS = "settings of single threads"
REGISTERED = "what a process or thread registered with the kernel, and calls that go on"
UNTRACKED = "io_uring, AIO, userfaultfd, ptrace, process_vm_writev"
OWN_PIPES = "bytes in our own pipes to it"
ANSWERS = "answers that nobody asked for"
TERMINALS = "terminals of others"
REACHED = "signals to others, abstract sockets of others"
WRITTEN_ELSEWHERE = "files outside of a jail's folders"
WRITTEN = "files written, created, deleted, renamed, chmod-ed, xattrs"
FAULTS = "faults to survive"
UNKNOWN = "what the engine does not know"

REVERT, RETIRE, REVERT_OR_RETIRE = "revert", "retire", "revert, or retire"

ROWS = (
    Row(MEMORY, "heap, globals, stacks (also below the stack pointer), thread-local storage", REVERT),
    Row(FILES, "private file mappings, code changed by a just-in-time compiler", REVERT),
    Row(
        LAYOUT,
        "mappings added, removed, moved, split, re-protected, grown; the program break",
        "revert; of a file that is locked, or also open, or mapped several times: retire",
    ),
    Row(
        ADVICE,
        "what a mapping is beyond its protection (`madvise`, another one in its place)",
        REVERT_OR_RETIRE,
    ),
    Row(
        SHARED,
        "shared memory that existed at the snapshot",
        "its contents are compared, and reverted where the process may write them, else retire; beyond a"
        " limit no snapshot is taken",
    ),
    Row(
        REGISTERS,
        "registers of every thread, with the whole vector state; signal masks",
        "revert; of tiles (AMX) that a thread has used for the first time: retire",
    ),
    Row(THREADS, "threads that a request started", "they are ended"),
    Row(
        THREADS_LOST,
        "threads that a request ended, or that ended by themselves",
        "revert; the first thread, one that holds robust futexes, one that moved its kernel pointers: retire",
    ),
    Row(CHILDREN, "child processes, also those that left their session", "they are killed"),
    Row(
        PARENT,
        "what a child did to its parent: by its process id, through an open file or memory that both have",
        "as if the parent had done it itself",
    ),
    Row(DESCRIPTORS, "descriptors that a request opened", "they are closed"),
    Row(
        DESCRIPTORS_REPLACED,
        "descriptors of the snapshot that a request replaced or closed",
        "put back",
    ),
    Row(
        DESCRIPTORS_STATE,
        "their flags and offsets; what epoll sets watch",
        REVERT,
    ),
    Row(
        LOCKS,
        "their locks, owners, signals, sizes of pipes; seals",
        "revert; a lock of the snapshot that was lost, or may have been taken again, flags of what tells of"
        " input by signals, seals, an owner that only root can set: retire",
    ),
    Row(
        QUEUES,
        "what waits in pipes, pairs of sockets, counters of eventfds, expirations of timers",
        "revert; what was taken from a pipe that only others write to, or from a message queue, what others"
        " have not read yet, a named pipe whose other end was opened: retire",
    ),
    Row(
        CONNECTIONS,
        "connections (TCP, Unix streams) and datagram sockets of the snapshot that a request used",
        "shut down, and counted: the client finds each at its end; the process is replaced unless the warm-up"
        " or a hook shows that the client connects anew; datagram sockets get another port and keep their"
        " peer; those with no peer that a message has come to, ones bound by number or address, and those of"
        " other families: retire",
    ),
    Row(
        SOCKETS,
        "connections that wait to be accepted; options of sockets; descriptors that it sends to itself over"
        " a socket",
        "revert options that clients set on each use (`SO_KEEPALIVE`, `TCP_NODELAY` and the like, timeouts);"
        " all else: retire",
    ),
    Row(
        NETWORK,
        "what the kernel remembers of connections that a request ended (`TIME_WAIT`, `tcp_metrics`)",
        "with `--network none`: nothing, it is forgotten at once; with `--network host` it stays for a while:"
        " see below",
        unshown="tests of the network",
    ),
    Row(SIGNAL_ACTIONS, "signal actions, alternate stacks", REVERT),
    Row(
        SIGNALS,
        "signals that wait to be delivered",
        "dropped, and counted",
    ),
    Row(
        TIMERS,
        "timers: of the process, of its clocks, alarms, timer descriptors",
        "revert; POSIX timers of the snapshot that were deleted, or where the kernel cannot give them their"
        " numbers (before Linux 6.16): retire",
    ),
    Row(
        ATTRIBUTES,
        "what the kernel keeps of a process: its working directory, umask, limits, scheduling, names, memory"
        " locks, settings under `/proc/self`",
        "revert; what only root may raise again (priority, hard limits), user ids, sessions,"
        " control groups: retire",
    ),
    Row(
        OBJECTS,
        "System V objects and POSIX queues that a request makes or changes, mounts; keys",
        "retire, and they go with the process's own namespace; by Landlock they are refused; without a"
        " jail they stay; keys are forbidden, from the start",
    ),
    Row(
        PRIVILEGES,
        "settings of `prctl`; seccomp filters that a request installs; another program that it executes",
        "settings that can be asked for: revert; the others: retire",
    ),
    Row(
        OF_THREADS,
        "what each thread has for itself: scheduling, memory policy, personality, signal mask, user and"
        " capabilities; a working directory, mask or descriptors that it does not share with the others",
        "revert where it can be set back, else retire, or forbidden",
    ),
    Row(
        REGISTERED,
        "what a process or a thread registered with the kernel (barriers, restartable sequences, lists of"
        " locks, tables of segments and futexes, dispatch of system calls); interrupted calls that can go on",
        "revert where it can be asked for, else retire, or forbidden",
    ),
    Row(
        UNTRACKED,
        "ways to write memory that no one can track (io_uring, asynchronous I/O), to hide what was written,"
        " or into other processes (`ptrace`, `process_vm_writev`, `pidfd_getfd`)",
        "forbidden, from the start",
    ),
    Row(
        WRITTEN,
        "files written, created, removed, renamed, linked, locked up, in the folders that a jail gives it;"
        " names in `/dev/shm`",
        "revert; extended attributes and owners of files that were there, other names of one file, another"
        " file in the place of one that it has open, mapped or (by inotify) watched, folders that were"
        " exchanged or made"
        " anew, folders that their file system does not make smaller again, more than 20,000 files: retire",
    ),
    Row(
        WRITTEN_ELSEWHERE,
        "files anywhere else; settings under `/proc` and `/sys`",
        "forbidden in a jail: read-only, or refused by Landlock",
        unshown="nothing is left; tests of the jail",
    ),
    Row(
        TERMINALS,
        "terminals of others of the same user",
        "forbidden in a jail by namespaces: it has terminals of its own, which nobody else sees (one that was"
        " made by `/dev/pts/ptmx`, which notes when: retire); by Landlock they cannot be opened for writing",
        unshown="nothing is left in the process; tests of the jail",
    ),
    Row(
        REACHED,
        "signals to processes outside, connections to their abstract sockets",
        "forbidden in a jail where the kernel can scope them (`scoping` in `groundhog doctor`: Linux 6.12"
        " with Landlock), else not: see below",
        unshown="nothing is left in the process; tests of the jail",
    ),
    Row(OWN_PIPES, "late bytes in the pipes of requests, answers and logs", "dropped, and counted"),
    Row(
        ANSWERS,
        "more than one answer, or bytes after it, while no restore is under way",
        RETIRE,
        unshown="the pool's doing; tests of the pool",
    ),
    Row(FAULTS, "a function that crashes, ends, hangs, stops itself, or does not answer", RETIRE),
    Row(
        UNKNOWN,
        "anything that the engine does not know",
        "retire, or no snapshot in the first place",
        unshown="what is not known cannot be shown",
    ),
)

OUTSIDE = (
    ("files that it wrote, without a jail", "they stay: serve with one"),
    ("answers of databases, caches and other services", "they are not on this machine"),
    ("times that the process has cached", "reverted with its memory: they are those of the snapshot"),
    ("micro-architecture, the page cache", "they belong to the machine, not to a process"),
    (
        "counters (time, faults, bytes, most memory); the next number of a process or file, the next port",
        "the kernel counts on, and nothing sets it back",
    ),
    (
        "change times (`st_ctime`) of files and pipes of the snapshot",
        "the kernel sets them whenever an attribute is put back: they tell that, and when",
    ),
    (
        "which pages of its memory are resident or huge (`mincore`, `smaps`), or followed (`pagemap`)",
        "zeroed pages are kept, which costs less than to give them back; what most write is not followed",
    ),
    (
        "that its process is younger than others: a request before it cost one",
        "a new process has a new number and start time",
    ),
    (
        "by the number of seccomp filters: that earlier requests often changed the layout of their memory",
        "processes of such functions go without the filter that tells of these calls, which costs them more",
    ),
    (
        "whether a mapping of a shared file was ever written: only the first write sets its time of change",
        "the kernel leaves the page writable, as it leaves it resident",
    ),
    (
        "how large its table of descriptors is (`FDSize`)",
        "the kernel never makes it smaller; to look would cost every restore 15 microseconds",
    ),
    (
        "how much went through a connection before it was shut down (`TCP_INFO`, the sizes of its buffers)",
        "the kernel keeps it for the socket, which has to stay the one that the process has",
    ),
    (
        "whether a mapping is accounted for or reserved (`ac`, `nr` in `smaps`)",
        "to look would cost a millisecond for every `mprotect`",
    ),
    (
        "by whether it joins a neighbour: that a mapping with pages was removed as a whole",
        "nothing tells which mappings share an `anon_vma`; one that is mapped anew shares it with none",
    ),
    (
        "when a packet last confirmed the loopback interface (`ndm_confirmed` of a neighbour)",
        "the kernel notes it for whoever lists neighbours, and nothing sets it back",
    ),
    (
        "the times of a new socket (`fstat`)",
        "the kernel does not set them (Linux 6.18): it may show what any process set on one that is closed",
    ),
    (
        "when a terminal was made by the machine's `/dev/ptmx`, and used",
        "it is one for all, and the kernel notes that there to eight seconds, whatever may be written",
    ),
    (
        "the places of names in a folder (`telldir`) of a private file system",
        "the kernel numbers them on; names are put back",
    ),
    (
        "times of files under `/proc` and `/sys`, those of its own process among them",
        "the kernel gives each the time at which somebody first looked at it, and nothing forgets that",
    ),
    (
        "where an open file of the snapshot was last read, as far as the kernel reads ahead of it",
        "it is kept with the open file, and shows in what of the file is in memory",
    ),
    (
        "of root, without a jail: whether a thread used a privilege (a flag in `/proc/PID/stat`)",
        "the kernel notes it until the thread ends, and nothing sets it back",
    ),
    (
        "the number of a thread among those that run (`mm_cid`), when it used AVX-512 (`arch_status`)",
        "the kernel keeps them by processor and by thread, and nothing sets them",
    ),
)
