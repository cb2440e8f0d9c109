//! Signals of a request.

use crate::harness::{
    Start, answers_stay_the_same, for_each_strategy, leaks_by_itself, nothing_like_it_here, reverts,
    strategies,
};

#[test]
fn actions_are_set_back() {
    reverts("signal_actions", &[]);
}

#[test]
fn pending_ones_are_dropped_and_counted() {
    for kind in ["process", "thread", "other"] {
        leaks_by_itself("pending", &[kind]);
        for_each_strategy("pending", &[kind], |victim| {
            let reports = answers_stay_the_same(victim);
            let expected = match kind {
                "process" => 3,
                "thread" => 2,
                _ => 1,
            };
            assert!(reports.iter().all(|report| report.signals_dropped == expected), "{reports:?}");
        });
    }
}

#[test]
fn a_process_that_stops_itself_is_not_stopped() {
    reverts("stop_itself", &[]);
}

#[test]
fn a_trap_that_is_pending_does_not_stand_for_a_call_that_was_made() {
    reverts("stray_signals", &["trap"]);
}

#[test]
fn those_that_the_end_of_a_descriptor_sends_are_dropped() {
    reverts("stray_signals", &["close"]);
}

#[test]
fn those_without_a_place_in_the_queue_are_dropped() {
    reverts("stray_signals", &["unqueued"]);
}

/// All of a pointer counts, not its lower half.
#[test]
fn actions_set_from_far_away_are_set_back() {
    reverts("far_pointer", &[]);
}

/// Also where the engine's own code cannot be run inside it, so that it asks for them one after the other.
#[test]
fn what_it_does_upon_every_signal_is_put_back() {
    reverts("every_action", &["plain"]);
    reverts("every_action", &["untrapped"]);
    // As memory that is written is never executed (Linux 6.3).
    if Start::of("every_action", &["unexecutable"]).with(strategies()[0]).ask(1) == "absent" {
        nothing_like_it_here("every_action unexecutable");
    } else {
        reverts("every_action", &["unexecutable"]);
    }
}
