//! A compromised function against the engine's own means.

use crate::harness::{answers_stay_the_same, for_each_strategy, reverts};
use groundhog_engine::Strategy;

/// A page map scan that protects what it lists makes written pages look clean, to whoever asks next.
#[test]
fn writes_hidden_by_a_scan_of_its_own() {
    reverts("hides", &["scan"]);
}

/// Soft-dirty bits can be cleared by anyone who may open the file, and that is the process itself.
#[test]
fn writes_hidden_by_clearing_the_soft_dirty_bits() {
    for_each_strategy("hides", &["clear"], |victim| {
        if victim.tracee.strategy() != Strategy::SoftDirty {
            answers_stay_the_same(victim);
        }
    });
}
