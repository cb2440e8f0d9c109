//! Registers and interrupted system calls: pitfalls 9, 10 and 11.

use crate::harness::{
    Start, answers_stay_the_same, for_each_strategy, is_refused, nothing_like_it_here, reverts, strategies,
};
use groundhog_engine::{Error, Reason};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

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
        for round in 1..=12 {
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

/// Writes to a file what its second page says, all the time.
fn write_what_it_says(path: &Path, is_over: &AtomicBool) {
    let file = File::options().read(true).write(true).open(path).expect("it was made");
    let mut words = [0; 16];
    while !is_over.load(Ordering::Relaxed) {
        file.read_exact_at(&mut words, 4096).expect("it has two pages");
        let (place, word) = words.split_at(8);
        let place = u64::from_ne_bytes(place.try_into().expect("eight bytes"));
        if place != 0 {
            file.write_all_at(word, place).expect("it can be written");
        }
    }
}

/// Code of the engine's own runs in the process without a step after each instruction.
#[test]
fn a_sequence_that_a_process_outside_sets_has_no_code_run() {
    let path = std::env::temp_dir().join(format!("groundhog-sequence-{}", std::process::id()));
    let name = path.to_str().expect("plain letters");
    for strategy in strategies() {
        std::fs::write(&path, [0; 8192]).expect("a name that is free");
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let mut victim = Start::of("sequence_elsewhere", &[name]).with(strategy);
            scope.spawn(|| write_what_it_says(&path, &is_over));
            let answers =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| answers_stay_the_same(&mut victim)));
            is_over.store(true, Ordering::Relaxed);
            assert!(answers.is_ok(), "{strategy}");
        });
    }
    std::fs::remove_file(path).expect("it was made");
}

#[test]
fn a_robust_list_or_a_word_cleared_at_the_end_that_moved_is_refused() {
    is_refused("kernel_pointers", &["robust"], Reason::Registers);
    is_refused("kernel_pointers", &["tid"], Reason::KernelState);
}
