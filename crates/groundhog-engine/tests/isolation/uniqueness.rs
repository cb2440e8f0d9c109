//! Memory that must not come back: pitfall 7.

use std::collections::HashSet;

use crate::harness::{Start, Victim, for_each_strategy, nothing_like_it_here, strategies};

/// Zeroed after every request, whether that wrote it or only read it: what a random number generator keeps elsewhere is
/// reverted, and it must find that it has to be seeded anew.
fn is_zeroed(victim: &mut Victim) {
    victim.snapshot();
    let first = victim.ask(1);
    if first == "absent" {
        return nothing_like_it_here(victim.label());
    }
    assert_eq!(first, "kept", "{}", victim.label());
    for round in 2..8 {
        victim.restore();
        assert_eq!(victim.ask(round), "zeroed", "{}: request {round}", victim.label());
    }
}

#[test]
fn memory_to_be_wiped_at_a_fork_is_zeroed() {
    for how in ["written", "swapped", "read"] {
        for_each_strategy("wiped", &["wipe_on_fork", how], is_zeroed);
    }
}

#[test]
fn droppable_memory_is_zeroed() {
    for how in ["written", "swapped", "read"] {
        for_each_strategy("wiped", &["droppable", how], is_zeroed);
    }
}

/// What the vDSO's generator gave to each of many requests; nothing if this kernel has none.
fn drawn(victim: &mut Victim, requests: u32) -> Vec<String> {
    victim.snapshot();
    let mut drawn = Vec::new();
    for request in 0..requests {
        let number = victim.ask(request);
        if number.contains("absent") {
            nothing_like_it_here(victim.label());
            return drawn;
        }
        drawn.push(number);
        victim.restore();
    }
    drawn
}

#[test]
fn the_kernels_getrandom_in_the_vdso_never_repeats_itself() {
    for_each_strategy("vdso_random", &["droppable"], |victim| {
        let drawn = drawn(victim, 100);
        let distinct: HashSet<&String> = drawn.iter().collect();
        assert_eq!(distinct.len(), drawn.len(), "{}", victim.label());
    });
}

/// The test above can fail: this is the same generator in memory that is reverted.
#[test]
fn in_ordinary_memory_it_does() {
    // The kernel has all of them seeded anew now and then, most often in the first minutes of a machine. Where that comes between the
    // start and the first request, each restored one finds it due.
    const ATTEMPTS: u32 = 3;
    let repeats = |strategy| {
        let mut victim = Start::of("vdso_random", &["ordinary"]).with(strategy);
        let drawn = drawn(&mut victim, 100);
        let distinct: HashSet<&String> = drawn.iter().collect();
        drawn.is_empty() || distinct.len() < drawn.len()
    };
    for strategy in strategies() {
        assert!((0..ATTEMPTS).any(|_| repeats(strategy)), "{strategy}");
    }
}
