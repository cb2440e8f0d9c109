//! Processes that were attached to, whose calls nobody sees: what a request changed is put back, or the restore is
//! refused.

use crate::harness::{Stranger, nothing_like_it_here, strategies};
use groundhog_engine::Error;

/// What a thread that is not the first has for itself: variants of `thread_settings`.
const THREAD_SETTINGS: [&str; 27] = [
    "name",
    "timer slack",
    "signal at the parent's death",
    "kept capabilities",
    "secure bits",
    "time stamps",
    "memory errors",
    "personality",
    "processors",
    "nice value",
    "scheduling policy",
    "slice",
    "I/O priority",
    "memory policy",
    "alternate stack",
    "blocked signals",
    "pending signals",
    "own directory",
    "own umask",
    "own descriptors",
    "user",
    "user for files",
    "groups",
    "bounding set",
    "no new privileges",
    "address of the id",
    "list of locks",
];

/// State in no table that seccomp programs would have shown.
const UNSEEN: [&str; 26] = [
    "hidden_by_process",
    "hidden_by_fill",
    "hidden_by_move",
    "protected_by_key",
    "remap_leaving",
    "memory_sealed",
    "memory_sealed_new",
    "pages_exchanged",
    "advice_by_process",
    "advice_flags",
    "split_kept",
    "merged",
    "locked_elsewhere",
    "policy_of_mapping",
    "policy_of_process",
    "equal_pages_merge",
    "rseq_moved",
    "sequence_signature",
    "thread_registrations",
    "thread_id_address",
    "calls_dispatched",
    "landlock_restricted",
    "signal_stack_lost",
    "timer_replaced",
    "timer_by_duplicate",
    "child_untraced",
];

/// Likewise, of which nothing tells but the process itself, or nobody: what is attached to is not isolated from these. Whoever
/// says that it is has to start it.
const NOT_COMPARED: [&str; 14] = [
    "compared_by_kcmp",
    "folder_notified",
    "futex_hash",
    "interrupted_poll",
    "interrupted_thread",
    "locks_order",
    "memfd_parted",
    "policy_lost",
    "reading_ahead",
    "segments_local",
    "shared_parted",
    "signals_of_input",
    "signals_of_room",
    "timer_of_thread",
];

/// What the kernel tells since Linux 6.3, where the first came, too.
const TOLD_LATELY: [&str; 2] = ["write_execute_denied", "membarrier_registered"];

/// Until one of which nothing tells was seen to stay.
const TRIES: u32 = 5;

/// Whether the kernel has what a victim is about, so that it sees what it left when nobody restores it.
fn can_leak(name: &str, arguments: &[&str]) -> bool {
    let mut alone = Stranger::start(name, arguments);
    let first = alone.ask(1);
    let leaks = alone.ask(2) != first;
    if !leaks {
        nothing_like_it_here(&format!("{name} {arguments:?}"));
    }
    leaks
}

/// What a later request saw of an earlier one; none: it saw nothing, or there was no later one.
fn leak_of(name: &str, arguments: &[&str]) -> Option<String> {
    let mut stranger = Stranger::start(name, arguments);
    let tracee = stranger.traced(strategies()[0]);
    tracee.snapshot().unwrap_or_else(|error| panic!("{name} {arguments:?}: {error}"));
    let first = stranger.ask(1);
    for round in 2..5 {
        match tracee.restore(false) {
            Err(Error::RestoreRefused { .. } | Error::Exited { .. }) => return None,
            Err(error) => return Some(format!("{name} {arguments:?}: {error}")),
            Ok(_) => {}
        }
        let answer = stranger.ask(round);
        if answer != first {
            return Some(format!("{name} {arguments:?}: {} instead of {}", answer.trim(), first.trim()));
        }
    }
    None
}

#[test]
fn settings_of_other_threads_are_put_back_or_refused() {
    let can: Vec<_> =
        THREAD_SETTINGS.iter().filter(|setting| can_leak("thread_settings", &[setting])).collect();
    assert!(can.len() * 2 > THREAD_SETTINGS.len(), "only {can:?} can be tried");
    let leaks: Vec<_> = can.iter().filter_map(|setting| leak_of("thread_settings", &[setting])).collect();
    assert!(leaks.is_empty(), "{} of {}:\n{}", leaks.len(), THREAD_SETTINGS.len(), leaks.join("\n"));
}

#[test]
fn what_no_call_showed_is_put_back_or_refused() {
    let can: Vec<_> = UNSEEN.iter().filter(|name| can_leak(name, &[])).collect();
    assert!(can.len() * 2 > UNSEEN.len(), "only {can:?} can be tried");
    let leaks: Vec<_> = can.iter().filter_map(|name| leak_of(name, &[])).collect();
    assert!(leaks.is_empty(), "{} of {}:\n{}", leaks.len(), UNSEEN.len(), leaks.join("\n"));
}

#[test]
fn what_the_kernel_tells_lately_is_refused() {
    if can_leak(TOLD_LATELY[0], &[]) {
        let leaks: Vec<_> = TOLD_LATELY.iter().filter_map(|name| leak_of(name, &[])).collect();
        assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    }
}

/// Linux 6.16 lets a timer have a number of one's choice.
#[test]
fn the_number_of_the_next_timer_is_put_back_where_that_can_be() {
    let names = ["timer_numbers_chosen", "timers_posix"];
    let mut alone = Stranger::start(names[0], &[]);
    let _first = alone.ask(1);
    if alone.ask(2).contains("\"chooses\":1") {
        let leaks: Vec<_> = names.iter().filter_map(|name| leak_of(name, &[])).collect();
        assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    } else {
        nothing_like_it_here("timers whose numbers are chosen");
    }
}

/// The documents say so.
#[test]
fn what_nobody_can_compare_stays_in_a_process_that_was_attached_to() {
    for name in NOT_COMPARED.iter().filter(|name| can_leak(name, &[])) {
        // A stop may end what was interrupted before a request does.
        let stays = (0..TRIES).any(|_| leak_of(name, &[]).is_some());
        assert!(stays, "{name} is put back or refused now: say so in the documents");
    }
}
