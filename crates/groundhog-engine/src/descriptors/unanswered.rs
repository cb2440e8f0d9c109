//! Connections of a process that wait for an answer: a moment at which no snapshot should be taken.

use super::connections::OwnEnds;
use crate::duplicate::Duplicate;
use groundhog_sys::socket::{self, Address};
use groundhog_sys::{Errno, Tid, fcntl, pidfd};
use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd;

const EBADF: Errno = Errno(9);
const SOCK_STREAM: i32 = 1;

/// How many TCP connections of a process wait for an answer, as [`socket::TcpCounters::awaits_answer`] has it. Those to this very
/// process do not count, nor those that others opened to a port that it listens at: there the answer is its own.
///
/// # Errors
/// As proc(5) and `pidfd_getfd(2)`, when the process is gone, or is not ours to ask.
pub fn unanswered(pid: i32) -> io::Result<usize> {
    count(pid).map_err(|errno| io::Error::from_raw_os_error(errno.0))
}

fn count(pid: i32) -> groundhog_sys::Result<usize> {
    let process = pidfd::open(Tid(pid))?;
    let mut waiting = Vec::new();
    let mut ports = Vec::new();
    for number in numbers(&format!("/proc/{pid}/fd"))? {
        let socket = match Duplicate::of(process.as_fd(), number) {
            Err(EBADF) => continue, // closed meanwhile
            socket => socket?,
        };
        let Ok(counters) = socket::tcp_counters(&socket) else { continue }; // it is something else
        let Ok(own) = socket::own_address(&socket).map(Address::plain) else { continue };
        if counters.is_listening() {
            ports.extend(own.port());
        } else if counters.awaits_answer() {
            // None while it is being opened.
            waiting.push((own, socket::peer_address(&socket).ok().map(Address::plain)));
        }
    }
    waiting.retain(|(own, _)| own.port().is_none_or(|port| !ports.contains(&port)));
    if waiting.is_empty() {
        return Ok(0);
    }
    // Where it cannot be told what is ours they all count: that is the safe side.
    let ends = OwnEnds::of(&numbers("/proc/self/fd")?, true, &BTreeSet::new()).unwrap_or_default();
    let is_ours = |own, peer| ends.is_peer_of(SOCK_STREAM, own, peer);
    Ok(waiting.iter().filter(|(own, peer)| !peer.as_ref().is_some_and(|peer| is_ours(own, peer))).count())
}

fn numbers(folder: &str) -> groundhog_sys::Result<Vec<i32>> {
    let mut numbers = Vec::new();
    fcntl::list_numbers(fcntl::open_folder(folder)?, &mut numbers)?;
    Ok(numbers)
}
