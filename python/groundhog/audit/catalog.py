"""Every victim, with what it leaves behind and what must become of it.

The answer of each describes all that it can observe of earlier requests. Without isolation it differs from the first one
sooner or later; with it, never.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

Language = Literal["c", "java", "node", "python"]


class Expected(Enum):
    """What becomes of the state."""

    REVERT = "revert"  # put back: the same process serves on
    RETIRE = "retire"  # detected: the process is replaced
    SAFE = "safe"  # either, depending on the moment or the kernel
    NO_ANSWER = "no answer"  # the function itself fails to answer: the process is replaced


@dataclass(frozen=True)
class Victim:
    """One program under python/groundhog/audit/victims/<language>/."""

    language: Language
    source: str
    leaves: str  # the state, in the words of the inventory of what a request can leave behind
    expected: Expected = Expected.REVERT
    evasion: bool = False  # it tries to look as if nothing had happened
    full: bool = False  # 1,000 requests in every run
    bulky: bool = False  # tens of megabytes a request: never a thousand of them
    answer_timeout: float = 60.0  # seconds; short where no answer is to come
    sees_engine: bool = (
        False  # its first answer shows that an engine is at work: nothing to compare with a plain one
    )

    @property
    def name(self) -> str:
        return f"{self.language}-{self.source}"


REVERT, RETIRE, SAFE, NO_ANSWER = Expected.REVERT, Expected.RETIRE, Expected.SAFE, Expected.NO_ANSWER
SOON = 0.3

MEMORY = "heap, globals, stack, TLS, thread stacks"
LAYOUT = "mappings added, removed, moved, split, merged, re-protected, grown; brk"
FILES = "private file mappings, copied-on-write pages"
SHARED = "shared memory"
REGISTERS = "registers"
SIGNALS = "signals"
THREADS = "threads started / ended"
CHILDREN = "children, grandchildren, daemons"
DESCRIPTORS = "fds opened, closed, replaced, their flags and offsets"
PIPES = "bytes left in pipes and sockets"
OWN_PIPES = "bytes in our own pipes to it"
TIMERS = "interval timers, POSIX timers, alarms"
WRITTEN = "files written, created, deleted, renamed, chmod-ed, xattrs"
ATTRIBUTES = "cwd, umask, rlimits, nice, affinity, name, mlock"
PRIVILEGES = "exec, prctl values, seccomp filters"
FAULTS = "faults to survive"

C = (
    Victim("c", "count", MEMORY, full=True),
    Victim("c", "globals", MEMORY),
    Victim("c", "heap", MEMORY),
    Victim("c", "uninitialised", MEMORY),
    Victim("c", "thread_local", MEMORY),
    Victim("c", "dead_stack", MEMORY),
    Victim("c", "deep_recursion", MEMORY),
    Victim("c", "kernel_writes", MEMORY, evasion=True),
    Victim("c", "huge_pages", MEMORY),
    Victim("c", "discard", MEMORY, evasion=True),
    Victim("c", "guards", LAYOUT, SAFE, evasion=True),
    Victim("c", "registers", REGISTERS),
    Victim("c", "attribute_segments", REGISTERS),
    Victim("c", "brk", LAYOUT),
    Victim("c", "map_anonymous", LAYOUT),
    Victim("c", "unmap", LAYOUT),
    Victim("c", "remap_same", LAYOUT, evasion=True),
    Victim("c", "protect", LAYOUT),
    Victim("c", "mremap", LAYOUT, evasion=True),
    Victim("c", "private_file", FILES, evasion=True),
    Victim("c", "file_replaced", FILES, evasion=True),
    Victim("c", "text_patched", FILES, evasion=True),
    Victim("c", "shared_memory", SHARED),
    Victim("c", "files_created", WRITTEN),
    Victim("c", "file_changed", WRITTEN, evasion=True),
    Victim("c", "file_mapped", WRITTEN, evasion=True),
    Victim("c", "file_replaced_by_name", WRITTEN, evasion=True),
    Victim("c", "files_removed", WRITTEN),
    Victim("c", "file_permissions", WRITTEN, evasion=True),
    Victim("c", "file_attributes", WRITTEN, RETIRE, evasion=True),
    Victim("c", "file_open", WRITTEN, evasion=True),
    Victim("c", "file_by_child", WRITTEN, evasion=True),
    Victim("c", "file_socket", WRITTEN),
    Victim("c", "file_socket_by_child", WRITTEN, evasion=True),
    Victim("c", "file_deep", WRITTEN, RETIRE, evasion=True),
    Victim("c", "shared_memory_by_name", WRITTEN),
    Victim("c", "threads_started", THREADS),
    Victim("c", "threads_ended", THREADS),
    Victim("c", "thread_newborn", THREADS, SAFE),
    Victim("c", "thread_lost", THREADS, RETIRE),
    Victim("c", "thread_swapped", THREADS, RETIRE, evasion=True),
    Victim("c", "children", CHILDREN),
    Victim("c", "fork_storm", CHILDREN, SAFE, evasion=True),
    Victim("c", "late_answer", OWN_PIPES),
    Victim("c", "second_answer", OWN_PIPES),
    Victim("c", "forged_request", OWN_PIPES, evasion=True),
    Victim("c", "descriptors_opened", DESCRIPTORS),
    Victim("c", "descriptor_closed", DESCRIPTORS, RETIRE),
    Victim("c", "descriptor_replaced", DESCRIPTORS, RETIRE, evasion=True),
    Victim("c", "descriptor_stolen", DESCRIPTORS, evasion=True, answer_timeout=2),
    Victim("c", "descriptor_offset", DESCRIPTORS),
    Victim("c", "descriptor_flags", DESCRIPTORS),
    Victim("c", "pipe_bytes", PIPES, RETIRE),
    Victim("c", "signal_actions", SIGNALS),
    Victim("c", "signals", SIGNALS, RETIRE),
    Victim("c", "timers", TIMERS, RETIRE),
    Victim("c", "attribute_umask", ATTRIBUTES, RETIRE),
    Victim("c", "attribute_cwd", ATTRIBUTES, RETIRE),
    Victim("c", "attribute_limits", ATTRIBUTES, RETIRE),
    Victim("c", "attribute_nice", ATTRIBUTES, RETIRE),
    Victim("c", "attribute_affinity", ATTRIBUTES, RETIRE),
    Victim("c", "attribute_name", ATTRIBUTES, RETIRE),
    Victim("c", "attribute_locked", ATTRIBUTES, RETIRE),
    Victim("c", "attribute_prctl", PRIVILEGES, RETIRE),
    Victim("c", "attribute_dumpable", PRIVILEGES, RETIRE),
    Victim(
        "c",
        "attribute_privileges",
        PRIVILEGES,
        RETIRE,
        sees_engine=True,
    ),
    Victim("c", "execs", PRIVILEGES, SAFE),
    Victim("c", "output", FAULTS, bulky=True),
    Victim("c", "crash", FAULTS, NO_ANSWER),
    Victim("c", "exits", FAULTS, NO_ANSWER),
    Victim("c", "exits_later", FAULTS, SAFE),
    Victim("c", "hangs", FAULTS, NO_ANSWER, answer_timeout=SOON),
    Victim("c", "stops", FAULTS, NO_ANSWER, answer_timeout=SOON),
    Victim("c", "silent", FAULTS, NO_ANSWER, answer_timeout=SOON),
    Victim("c", "closes_answer", FAULTS, NO_ANSWER, answer_timeout=SOON),
)

PYTHON = (
    Victim("python", "count", MEMORY, full=True),
    Victim("python", "module_cache", MEMORY),
    Victim("python", "environment", MEMORY),
    Victim("python", "logging_state", MEMORY),
    Victim("python", "heap_growth", MEMORY),
    Victim("python", "deep_recursion", MEMORY),
    Victim("python", "late_import", LAYOUT),
    Victim("python", "mapping", LAYOUT),
    Victim("python", "threads_started", THREADS),
    Victim("python", "threads_ended", THREADS),
    Victim("python", "child_left", CHILDREN),
    Victim("python", "files_opened", DESCRIPTORS),
    Victim("python", "files_left", WRITTEN),
    Victim("python", "file_times", WRITTEN, evasion=True),
    Victim("python", "file_holes", WRITTEN, evasion=True),
    Victim("python", "file_names", WRITTEN, RETIRE, evasion=True),
    Victim("python", "file_without_name", WRITTEN, evasion=True),
    Victim("python", "file_below_open", WRITTEN, RETIRE, evasion=True),
    Victim("python", "file_below_mapped", WRITTEN, RETIRE, evasion=True),
    Victim("python", "folder_open", WRITTEN, RETIRE, evasion=True),
    Victim("python", "folder_working", WRITTEN, RETIRE, evasion=True),
    Victim("python", "lock_lost", WRITTEN, RETIRE),
)

NODE = (
    Victim("node", "count", MEMORY, full=True),
    Victim("node", "module_cache", MEMORY),
    Victim("node", "globals", MEMORY),
    Victim("node", "heap_growth", MEMORY),
    Victim("node", "compiled", FILES),
    Victim("node", "deep_recursion", MEMORY),
    Victim("node", "timers", TIMERS),
    Victim("node", "workers_started", THREADS),
    Victim("node", "child_left", CHILDREN),
    Victim("node", "files_left", WRITTEN),
)

JAVA = (
    Victim("java", "Count", MEMORY, full=True),
    Victim("java", "Statics", MEMORY),
    Victim("java", "HeapGrowth", MEMORY),
    Victim("java", "ThreadsStarted", THREADS),
    Victim("java", "DeepRecursion", MEMORY),
    Victim("java", "MappedFile", FILES),
    Victim("java", "FilesLeft", WRITTEN),
)

VICTIMS = C + PYTHON + NODE + JAVA
