//! The engine against victims: small programs in C that do one thing in a request and report, in the next one, all that
//! they can see of it.
//!
//! Nearly all of it runs as an ordinary user as well as root. The environment chooses the strategies
//! (`GROUNDHOG_TEST_STRATEGIES=hot,copy`) and the random programs (see `mutation` and `calls`).
#![allow(missing_docs, reason = "tests say in their names what they are for")]

mod attached;
mod calls;
mod changes;
mod children;
mod connections;
mod descriptors;
mod evasion;
mod forbidden;
mod harness;
mod kernel_state;
mod layout;
mod lifecycle;
mod memory;
mod mutation;
mod queues;
mod read_elsewhere;
mod registers;
mod shared;
mod signals;
mod supervisor;
mod threads;
mod uniqueness;

/// For machines without a compiler, which find the victims compiled.
#[test]
fn victims_compile() {
    assert!(harness::compile_all() > 50);
}
