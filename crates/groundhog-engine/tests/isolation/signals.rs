//! Signals of a request.

use crate::harness::{answers_stay_the_same, for_each_strategy, is_refused, leaks_by_itself, reverts};
use groundhog_engine::Reason;

#[test]
fn actions_are_set_back() {
    reverts("signal_actions", &[]);
}

#[test]
fn pending_ones_are_dropped_and_counted() {
    for kind in ["process", "thread"] {
        leaks_by_itself("pending", &[kind]);
        for_each_strategy("pending", &[kind], |victim| {
            let reports = answers_stay_the_same(victim);
            let expected = if kind == "process" { 3 } else { 2 };
            assert!(reports.iter().all(|report| report.signals_dropped == expected), "{reports:?}");
        });
    }
}

#[test]
fn those_of_another_thread_cannot_be_dropped() {
    is_refused("pending", &["other"], Reason::Signals);
}

#[test]
fn a_process_that_stops_itself_is_not_stopped() {
    reverts("stop_itself", &[]);
}
