//! Registers and interrupted system calls: pitfalls 9, 10 and 11.

use crate::harness::{for_each_strategy, is_refused, nothing_like_it_here, reverts};
use groundhog_engine::{Error, Reason};

#[test]
fn general_and_vector_registers_across_a_read() {
    reverts("registers", &[]);
}

#[test]
fn segment_bases() {
    reverts("attribute_segments", &[]);
}

#[test]
fn threads_that_compute_are_of_one_moment_with_their_memory() {
    for_each_strategy("spinning", &[], |victim| {
        victim.snapshot();
        for round in 1..=30 {
            assert_eq!(victim.ask(round), "requests 0, torn 0", "{}: {round}", victim.label());
            victim.restore();
        }
    });
}

#[test]
fn waiting_threads_see_nothing_of_snapshots_and_restores() {
    for company in ["", "busy"] {
        for_each_strategy("waits", &[company], |victim| {
            for round in 1..=2 {
                victim.snapshot();
                for request in 1..=4 {
                    // Only to disturb: one that is busy differs all the time.
                    let _verified = victim.tracee.verify();
                    let answer = victim.ask(request);
                    assert_eq!(answer, "woken 0, last none: Success", "{}: {round}", victim.label());
                    victim.restore();
                }
            }
        });
    }
}

/// The kernel goes on writing where the thread said, whatever memory is put back.
#[test]
fn a_restartable_sequences_area_that_moved_is_refused() {
    for_each_strategy("kernel_pointers", &["rseq"], |victim| {
        victim.snapshot();
        let answer = victim.ask(1);
        match victim.tracee.restore(true) {
            Err(Error::RestoreRefused { reason: Reason::Registers, .. }) if answer == "moved" => {}
            Ok(_) if answer == "absent" => nothing_like_it_here(&answer),
            other => panic!("{}: {answer}: {other:?}", victim.label()),
        }
    });
}

#[test]
fn a_robust_list_or_a_word_cleared_at_the_end_that_moved_is_refused() {
    is_refused("kernel_pointers", &["robust"], Reason::Registers);
    is_refused("kernel_pointers", &["tid"], Reason::KernelState);
}
