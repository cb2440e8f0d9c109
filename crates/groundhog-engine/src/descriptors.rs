//! Open files: the same ones at the same numbers, with the same flags, settings and offsets, and the same in them, after
//! every request.
//!
//! ```text
//!   survey          duplicates of everything that is open, taken once; the components below are made from it
//!   table           which number stands for which open file, close-on-exec, status flags, offsets
//!   open_file       what else is set on it and on what it leads to: locks, owners, sizes, seals, modes, timers
//!   pending_data    what waits: first in pipes, then in counters, timers, events; connections: what waits in sockets
//!   times           when pipes were read and written: after what does so, before the events that setting them makes
//!   epoll           what sets watch, and what they have ready
//!   half_read       texts of the kernel's of which the rest waits to be read: made anew at the very end
//!   anonymous_inode what all of them share that have no file
//!   unanswered      which connections wait for an answer: asked before there is a snapshot
//! ```
//!
//! A duplicate shares the open file, so it tells whether a number still stands for it (`kcmp`), and what is set on it can
//! be read and set from here.

pub(crate) mod anonymous_inode;
pub(crate) mod connections;
pub(crate) mod epoll;
pub(crate) mod half_read;
pub(crate) mod open_file;
pub(crate) mod pending_data;
pub(crate) mod socket_options;
pub(crate) mod survey;
pub(crate) mod table;
pub(crate) mod times;
pub(crate) mod unanswered;

use crate::component::comes_true;
use crate::error::{Reason, Step, Trouble};
use std::time::Duration;

/// How long others may take to take what a request has sent: a delayed acknowledgement comes after 40 ms.
const TAKEN_WITHIN: Duration = Duration::from_millis(200);

/// Waits until others have taken what waits for them; whether they have in time.
fn is_taken(has_gone: impl Fn() -> Step<bool>) -> Step<bool> {
    comes_true(TAKEN_WITHIN, has_gone)
}

/// Refuses what was done to a descriptor of the snapshot.
fn refuse<T>(number: i32, what: &str) -> Step<T> {
    Err(Trouble::Refused(Reason::DescriptorChanged, format!("descriptor {number} {what}")))
}
