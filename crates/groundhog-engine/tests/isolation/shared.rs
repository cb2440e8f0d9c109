//! Memory shared with other mappings: pitfall 6.

use crate::harness::{is_refused, reverts, snapshot_is_refused};
use groundhog_engine::Reason;

#[test]
fn written_through_its_mapping_or_its_descriptor() {
    reverts("shared_memory", &[]);
}

#[test]
fn written_through_another_open_of_it() {
    for kind in ["memfd", "shm", "sysv", "read_only"] {
        reverts("shared_elsewhere", &[kind]);
    }
}

/// What the mapping does not let us write, not even as its tracer, and no descriptor was open to.
#[test]
fn written_elsewhere_and_mapped_for_reading_is_refused() {
    is_refused("shared_elsewhere", &["opened_to_read"], Reason::Memory);
}

/// What is attached to may be an object that no mapping of the snapshot is of.
#[test]
fn attaching_to_an_object_is_refused() {
    is_refused("shared_elsewhere", &["attached"], Reason::KernelState);
}

#[test]
fn too_much_of_it_is_refused() {
    snapshot_is_refused("much_shared", &[], |reason| reason == Reason::SharedMemoryLimit);
}

/// Looking at what is mapped and shared fills its holes.
#[test]
fn a_hole_that_is_mapped_is_no_difference() {
    reverts("mapped_holes", &[]);
}

#[test]
fn holes_of_a_file_that_is_mapped_in_part_are_put_back() {
    for sharing in ["shared", "private"] {
        for way in ["written", "looked"] {
            reverts("holes_beside", &[way, sharing]);
        }
    }
}
