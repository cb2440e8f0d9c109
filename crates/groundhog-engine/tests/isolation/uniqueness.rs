//! Memory that must not come back: pitfall 7.

use crate::harness::{Victim, for_each_strategy, nothing_like_it_here};

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
    for how in ["written", "read"] {
        for_each_strategy("wiped", &["wipe_on_fork", how], is_zeroed);
    }
}

#[test]
fn droppable_memory_is_zeroed() {
    for how in ["written", "read"] {
        for_each_strategy("wiped", &["droppable", how], is_zeroed);
    }
}
