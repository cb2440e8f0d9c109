"""Every victim, with what it leaves behind and what must become of it.

The answer of each describes all that it can observe of earlier requests. Without isolation it differs from
the first one sooner or later; with it, never.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from groundhog.audit.inventory import (
    ADVICE,
    ATTRIBUTES,
    CHILDREN,
    CONNECTIONS,
    DESCRIPTORS,
    DESCRIPTORS_REPLACED,
    DESCRIPTORS_STATE,
    FAULTS,
    FILES,
    LAYOUT,
    LOCKS,
    MEMORY,
    OBJECTS,
    OF_THREADS,
    OWN_PIPES,
    PARENT,
    PRIVILEGES,
    QUEUES,
    REGISTERED,
    REGISTERS,
    SHARED,
    SIGNAL_ACTIONS,
    SIGNALS,
    THREADS,
    THREADS_LOST,
    TIMERS,
    UNTRACKED,
    WRITTEN,
)

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
    leaves: str  # the channel of a row of the inventory
    expected: Expected = Expected.REVERT
    unjailed: bool = False  # what it does is refused in a jail
    namespace_only: bool = False  # by Landlock, that a file was read can be seen
    evasion: bool = False  # it tries to look as if nothing had happened
    full: bool = False  # 1,000 requests in every run
    bulky: bool = False  # tens of megabytes a request: never a thousand of them
    connected: bool = False  # it talks to a server that answers late
    root_only: bool = False  # nobody else can do what it does
    answer_timeout: float = 60.0  # seconds; short where no answer is to come
    sees_engine: bool = (
        False  # its first answer shows that an engine is at work: nothing to compare with a plain one
    )

    @property
    def jail(self) -> str | None:
        """The jail that it is tried in; None: without one."""
        return None if self.unjailed else "auto"

    @property
    def name(self) -> str:
        """What it is called in tests and reports."""
        return f"{self.language}-{self.source}"


REVERT, RETIRE, SAFE, NO_ANSWER = Expected.REVERT, Expected.RETIRE, Expected.SAFE, Expected.NO_ANSWER
SOON = 0.3

C = (
    Victim("c", "count", MEMORY, full=True),
    Victim("c", "globals", MEMORY),
    Victim("c", "heap", MEMORY),
    Victim("c", "uninitialised", MEMORY),
    Victim("c", "thread_local", MEMORY),
    Victim("c", "dead_stack", MEMORY),
    Victim("c", "deep_recursion", MEMORY),
    Victim("c", "kernel_writes", MEMORY, unjailed=True, evasion=True),
    Victim("c", "huge_pages", MEMORY),
    Victim("c", "discard", MEMORY, evasion=True),
    Victim("c", "guards", ADVICE, SAFE, evasion=True),
    Victim("c", "registers", REGISTERS),
    Victim("c", "attribute_segments", REGISTERS),
    Victim("c", "brk", LAYOUT),
    Victim("c", "map_anonymous", LAYOUT),
    Victim("c", "unmap", LAYOUT),
    Victim("c", "remap_same", ADVICE, evasion=True),
    Victim("c", "protect", LAYOUT),
    Victim("c", "mremap", LAYOUT, evasion=True),
    Victim("c", "private_file", FILES, evasion=True),
    Victim("c", "file_replaced", ADVICE, evasion=True),
    Victim("c", "text_patched", FILES, unjailed=True, evasion=True),
    Victim("c", "shared_memory", SHARED),
    Victim("c", "files_created", WRITTEN),
    Victim("c", "file_changed", WRITTEN, evasion=True),
    Victim("c", "file_mapped", WRITTEN, evasion=True),
    Victim("c", "file_replaced_by_name", WRITTEN, evasion=True),
    Victim("c", "files_removed", WRITTEN),
    Victim("c", "file_permissions", WRITTEN, evasion=True),
    Victim("c", "file_attributes", WRITTEN, RETIRE, evasion=True),
    Victim("c", "file_open", WRITTEN, evasion=True),
    Victim("c", "file_nameless", WRITTEN, evasion=True),
    Victim("c", "file_by_child", WRITTEN, evasion=True),
    Victim("c", "file_socket", WRITTEN),
    Victim("c", "file_socket_by_child", WRITTEN, evasion=True),
    Victim("c", "file_deep", WRITTEN, RETIRE, evasion=True),
    Victim("c", "shared_memory_by_name", WRITTEN),
    Victim("c", "threads_started", THREADS),
    Victim("c", "threads_ended", THREADS),
    Victim("c", "thread_newborn", THREADS, SAFE),
    Victim("c", "thread_lost", THREADS_LOST, RETIRE),
    Victim("c", "thread_swapped", THREADS_LOST, RETIRE, evasion=True),
    Victim("c", "children", CHILDREN),
    Victim("c", "fork_storm", CHILDREN, SAFE, evasion=True),
    Victim("c", "late_answer", OWN_PIPES),
    Victim("c", "second_answer", OWN_PIPES),
    Victim("c", "forged_request", OWN_PIPES, evasion=True),
    Victim("c", "descriptors_opened", DESCRIPTORS),
    Victim("c", "descriptor_closed", DESCRIPTORS_REPLACED),
    Victim("c", "descriptor_replaced", DESCRIPTORS_REPLACED, evasion=True),
    Victim("c", "descriptors_all_closed", DESCRIPTORS_REPLACED, evasion=True),
    Victim("c", "descriptor_stolen", DESCRIPTORS_REPLACED, evasion=True, answer_timeout=2),
    Victim("c", "descriptor_offset", DESCRIPTORS_STATE),
    Victim("c", "descriptor_flags", DESCRIPTORS_STATE),
    Victim("c", "descriptor_settings", LOCKS),
    Victim("c", "descriptor_owner", LOCKS, SAFE),
    Victim("c", "locks", LOCKS),
    Victim("c", "lock_lost", LOCKS, RETIRE),
    Victim("c", "pipe_bytes", QUEUES),
    Victim("c", "queue_replaced", QUEUES, evasion=True),
    Victim("c", "connection_tcp", CONNECTIONS, connected=True),
    Victim("c", "connection_unix", CONNECTIONS, connected=True),
    Victim("c", "connection_udp", CONNECTIONS, connected=True),
    Victim("c", "signal_actions", SIGNAL_ACTIONS),
    Victim("c", "signals", SIGNALS),
    Victim("c", "signal_stack_by_return", SIGNAL_ACTIONS, evasion=True),
    Victim("c", "timers", TIMERS),
    Victim("c", "timers_posix", TIMERS, SAFE, sees_engine=True),
    Victim("c", "timers_armed", TIMERS),
    Victim("c", "timer_descriptor", TIMERS),
    Victim("c", "attribute_umask", ATTRIBUTES),
    Victim("c", "attribute_cwd", ATTRIBUTES),
    Victim("c", "attribute_cwd_renamed", ATTRIBUTES, SAFE, evasion=True),
    Victim("c", "attribute_limits", ATTRIBUTES),
    Victim("c", "attribute_nice", ATTRIBUTES, SAFE),
    Victim("c", "attribute_affinity", ATTRIBUTES),
    Victim("c", "attribute_name", ATTRIBUTES),
    Victim("c", "attribute_locked", ATTRIBUTES),
    Victim("c", "attribute_locked_future", ATTRIBUTES),
    Victim("c", "attribute_policy", ATTRIBUTES),
    Victim("c", "attribute_limit_hard", ATTRIBUTES, SAFE),
    Victim("c", "attribute_written", ATTRIBUTES, unjailed=True),
    Victim("c", "attribute_of_thread", ATTRIBUTES, evasion=True),
    Victim("c", "attribute_by_child", ATTRIBUTES, unjailed=True, evasion=True),
    Victim("c", "attribute_prctl", PRIVILEGES),
    Victim("c", "attribute_dumpable", PRIVILEGES),
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

# What the kernel knows of memory, threads, timers and children beyond what a process usually shows.
C_KERNEL = (
    Victim("c", "hidden_by_process", UNTRACKED, evasion=True),
    Victim("c", "hidden_by_thread", UNTRACKED, evasion=True),
    Victim("c", "hidden_by_child", UNTRACKED, evasion=True),
    Victim("c", "hidden_by_device", UNTRACKED, unjailed=True, evasion=True),
    Victim("c", "hidden_by_fill", UNTRACKED, evasion=True),
    Victim("c", "hidden_by_move", UNTRACKED, evasion=True),
    Victim("c", "hidden_by_unregistering", UNTRACKED, evasion=True),
    Victim("c", "references_cleared", UNTRACKED, unjailed=True, evasion=True),
    Victim("c", "private_by_descriptor", FILES, SAFE, evasion=True),
    Victim("c", "protected_by_key", LAYOUT, evasion=True),
    Victim("c", "remap_leaving", LAYOUT, evasion=True),
    Victim("c", "grows_down", LAYOUT, evasion=True),
    Victim("c", "memory_sealed", LAYOUT, SAFE),
    Victim("c", "memory_sealed_new", LAYOUT, SAFE),
    Victim("c", "pages_exchanged", ADVICE, SAFE, evasion=True),
    Victim("c", "pages_read", ADVICE, evasion=True),
    Victim("c", "advice_populates", ADVICE, evasion=True),
    Victim("c", "advice_collapses", ADVICE, SAFE, evasion=True),
    Victim("c", "advice_removes", SHARED, SAFE, evasion=True),
    Victim("c", "advice_by_process", ADVICE, SAFE, evasion=True),
    Victim("c", "guards_removed", ADVICE, SAFE, sees_engine=True),
    Victim("c", "droppable", ADVICE),
    Victim("c", "arguments_moved", ATTRIBUTES, SAFE),
    Victim("c", "split_kept", LAYOUT, SAFE, evasion=True),
    Victim("c", "splits_flood", LAYOUT, SAFE, evasion=True, bulky=True),
    Victim("c", "merged", LAYOUT, SAFE, evasion=True),
    Victim("c", "brk_within_page", LAYOUT),
    Victim("c", "accounted", ADVICE, SAFE, evasion=True),
    Victim("c", "remap_unreserved", ADVICE, SAFE, evasion=True),
    Victim("c", "advice_flags", ADVICE),
    Victim("c", "advice_huge", ADVICE),
    Victim("c", "locked_on_fault", ATTRIBUTES, SAFE, evasion=True),
    Victim("c", "locked_elsewhere", ATTRIBUTES, SAFE, evasion=True),
    Victim("c", "policy_of_mapping", ADVICE, SAFE),
    Victim("c", "policy_of_process", ATTRIBUTES, SAFE),
    Victim("c", "equal_pages_merge", ATTRIBUTES, SAFE),
    Victim("c", "huge_pages_advised", PRIVILEGES),
    Victim("c", "membarrier_registered", REGISTERED, SAFE),
    Victim("c", "futex_hash", REGISTERED, SAFE),
    Victim("c", "rseq_moved", REGISTERED, SAFE, evasion=True),
    Victim("c", "thread_id_address", REGISTERED, SAFE),
    Victim("c", "interrupted_poll", REGISTERED, evasion=True),
    Victim("c", "interrupted_sleep", REGISTERED, evasion=True),
    Victim("c", "interrupted_thread", REGISTERED, evasion=True),
    Victim("c", "calls_dispatched", REGISTERED, SAFE, evasion=True),
    Victim("c", "segments_local", REGISTERED, SAFE),
    Victim("c", "thread_scheduled", OF_THREADS, SAFE, evasion=True),
    Victim("c", "thread_memory_policy", OF_THREADS, SAFE, evasion=True),
    Victim("c", "thread_personality", OF_THREADS, SAFE, evasion=True),
    Victim("c", "thread_own_folder", OF_THREADS, SAFE, evasion=True),
    Victim("c", "thread_own_descriptors", OF_THREADS, SAFE, evasion=True),
    Victim("c", "thread_own_user", OF_THREADS, SAFE, unjailed=True, evasion=True, root_only=True),
    Victim("c", "thread_capabilities", OF_THREADS, SAFE, unjailed=True, evasion=True),
    Victim("c", "thread_no_new_privileges", OF_THREADS, SAFE, evasion=True, sees_engine=True),
    Victim("c", "thread_registrations", OF_THREADS, SAFE, evasion=True),
    Victim("c", "thread_mask", OF_THREADS, evasion=True),
    Victim("c", "signals_valued", SIGNALS),
    Victim("c", "signal_stack_disarms", SIGNAL_ACTIONS, evasion=True),
    Victim("c", "signal_action_spent", SIGNAL_ACTIONS, evasion=True),
    Victim("c", "signal_taken", SIGNALS, SAFE),
    Victim("c", "signal_of_child", SIGNALS, evasion=True),
    Victim("c", "timer_overrun", TIMERS, SAFE, evasion=True),
    Victim("c", "timer_replaced", TIMERS, SAFE, evasion=True),
    Victim("c", "timer_of_clock", TIMERS),
    Victim("c", "timer_numbers_chosen", TIMERS, SAFE, evasion=True, sees_engine=True),
    Victim("c", "session_left", ATTRIBUTES, SAFE),
    Victim("c", "group_left", ATTRIBUTES, SAFE),
    Victim("c", "namespaces_entered", PRIVILEGES, SAFE),
    Victim("c", "namespace_of_children", PRIVILEGES, SAFE, unjailed=True, evasion=True),
    Victim("c", "child_schedules", PARENT, SAFE, evasion=True),
    Victim("c", "child_writes_settings", PARENT, SAFE, unjailed=True, evasion=True),
    Victim("c", "child_borrows_memory", PARENT, evasion=True),
    Victim("c", "child_shares_descriptors", PARENT, evasion=True),
    Victim("c", "child_shares_folder", PARENT, evasion=True),
    Victim("c", "child_shares_actions", PARENT, evasion=True),
    Victim("c", "child_leaves_object", PARENT, evasion=True),
    Victim("c", "child_untraced", CHILDREN, evasion=True),
    Victim("c", "child_of_parent", CHILDREN, evasion=True),
    Victim("c", "child_daemon", CHILDREN, evasion=True),
    Victim("c", "child_in_namespaces", CHILDREN, SAFE, evasion=True),
    Victim("c", "child_executes", CHILDREN),
    Victim("c", "file_by_other_mounts", WRITTEN, SAFE, evasion=True),
    Victim("c", "signal_stack_lost", SIGNAL_ACTIONS, evasion=True),
    Victim("c", "vdso_moved", LAYOUT, SAFE),
    Victim("c", "thread_named_by_file", OF_THREADS, unjailed=True, evasion=True),
    Victim("c", "login_user", ATTRIBUTES, SAFE, unjailed=True),
    Victim("c", "attribute_files_user", PRIVILEGES, SAFE, unjailed=True, root_only=True),
    Victim("c", "attribute_capabilities", PRIVILEGES, SAFE, unjailed=True, sees_engine=True),
    Victim("c", "pages_copied", ADVICE, evasion=True),
    Victim("c", "write_execute_denied", PRIVILEGES, SAFE),
    Victim("c", "landlock_rule", PRIVILEGES, SAFE, evasion=True),
    Victim("c", "landlock_restricted", PRIVILEGES, SAFE),
    Victim("c", "scheduled_slice", ATTRIBUTES),
    Victim("c", "scheduled_reset", ATTRIBUTES, SAFE, evasion=True),
    Victim("c", "autogroup", ATTRIBUTES, SAFE, unjailed=True),
    Victim("c", "keyring", OBJECTS),
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
    Victim("python", "wrapped", MEMORY, evasion=True),
    Victim("python", "bytecode", MEMORY, evasion=True),
    Victim("python", "import_hooks", MEMORY, evasion=True),
    Victim("python", "contexts", MEMORY),
    Victim("python", "collector", MEMORY),
    Victim("python", "tracing", MEMORY),
    Victim("python", "locales", MEMORY),
    Victim("python", "database", MEMORY),
    Victim("python", "event_loop", MEMORY),
    Victim("python", "lock_held", MEMORY),
    Victim("python", "code_written", LAYOUT, evasion=True),
    Victim("python", "shared_memory", SHARED),
    Victim("python", "executor", THREADS),
    Victim("python", "daemon", CHILDREN, evasion=True),
    Victim("python", "descriptor_swapped", DESCRIPTORS_REPLACED, evasion=True),
    Victim("python", "file_position", DESCRIPTORS_STATE),
    Victim("python", "pipe_written", DESCRIPTORS_STATE),
    Victim("python", "signal_handlers", SIGNAL_ACTIONS),
    Victim("python", "alarm", TIMERS),
    Victim("python", "working_directory", ATTRIBUTES),
    Victim("python", "limits", ATTRIBUTES),
    Victim("python", "shared_by_file", SHARED, evasion=True),
    Victim("python", "shared_read_only", SHARED, RETIRE, evasion=True),
    Victim("python", "spinning_thread", THREADS, evasion=True),
    Victim("python", "thread_replaced", THREADS_LOST, SAFE, evasion=True),
    Victim("python", "child_prlimit", PARENT, unjailed=True, evasion=True),
    Victim("python", "flags_by_duplicate", DESCRIPTORS_STATE, evasion=True),
    Victim("python", "action_unseen", SIGNAL_ACTIONS, evasion=True),
    Victim("python", "signal_waiting", SIGNALS),
    Victim("python", "alarm_by_thread", TIMERS, evasion=True),
    Victim("python", "directory_by_thread", ATTRIBUTES, evasion=True),
    Victim("python", "self_pipe", QUEUES),
    Victim("python", "file_times", WRITTEN, namespace_only=True, evasion=True),
    Victim("python", "file_holes", WRITTEN, evasion=True),
    Victim("python", "file_names", WRITTEN, RETIRE, evasion=True),
    Victim("python", "file_without_name", WRITTEN, evasion=True),
    Victim("python", "file_below_open", WRITTEN, RETIRE, evasion=True),
    Victim("python", "file_below_mapped", WRITTEN, RETIRE, evasion=True),
    Victim("python", "folder_open", WRITTEN, RETIRE, evasion=True),
    Victim("python", "folder_working", WRITTEN, RETIRE, evasion=True),
    Victim("python", "lock_lost", LOCKS, RETIRE),
)

NODE = (
    Victim("node", "count", MEMORY, full=True),
    Victim("node", "module_cache", MEMORY),
    Victim("node", "globals", MEMORY),
    Victim("node", "heap_growth", MEMORY),
    Victim("node", "compiled", FILES),
    Victim("node", "deep_recursion", MEMORY),
    Victim("node", "timers", MEMORY),
    Victim("node", "workers_started", THREADS),
    Victim("node", "child_left", CHILDREN),
    Victim("node", "files_left", WRITTEN),
    Victim("node", "disguised", MEMORY, evasion=True),
    Victim("node", "loader", MEMORY, evasion=True),
    Victim("node", "environment", MEMORY),
    Victim("node", "listeners", MEMORY),
    Victim("node", "buffer_pool", MEMORY),
    Victim("node", "async_storage", MEMORY),
    Victim("node", "contexts", MEMORY),
    Victim("node", "native_state", MEMORY),
    Victim("node", "wasm_memory", LAYOUT),
    Victim("node", "files_opened", DESCRIPTORS),
    Victim("node", "signals", SIGNAL_ACTIONS),
    Victim("node", "directory", ATTRIBUTES),
    Victim("node", "worker_replaced", THREADS_LOST, RETIRE, evasion=True),
)

JAVA = (
    Victim("java", "Count", MEMORY, full=True),
    Victim("java", "Statics", MEMORY),
    Victim("java", "HeapGrowth", MEMORY),
    Victim("java", "ThreadsStarted", THREADS),
    Victim("java", "DeepRecursion", MEMORY),
    Victim("java", "MappedFile", FILES),
    Victim("java", "FilesLeft", WRITTEN),
    Victim("java", "Compiled", FILES),
    Victim("java", "ClassesLoaded", MEMORY),
    Victim("java", "Defaults", MEMORY),
    Victim("java", "DirectBuffers", MEMORY),
    Victim("java", "LockHeld", MEMORY),
    Victim("java", "ShutdownHooks", MEMORY),
    Victim("java", "PooledThread", THREADS),
    Victim("java", "ChildLeft", CHILDREN),
    Victim("java", "FilesOpened", DESCRIPTORS),
    Victim("java", "ThreadReplaced", THREADS_LOST, SAFE, evasion=True),
)

VICTIMS = C + C_KERNEL + PYTHON + NODE + JAVA
