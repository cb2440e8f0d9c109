//! Connections of a process that wait for an answer: a moment at which no snapshot should be taken.

use super::connections::OwnEnds;
use super::survey;
use groundhog_sys::socket::{self, Address};
use groundhog_sys::{Tid, fcntl, pidfd};
use std::collections::BTreeSet;
use std::io;

const SOCK_STREAM: i32 = 1;

/// How many TCP connections of a process wait for an answer, as [`socket::TcpCounters::awaits_answer`] has it. Those to this very
/// process do not count, nor those that others opened to a port that it listens at: there the answer is its own.
///
/// # Errors
/// As proc(5) and `pidfd_getfd(2)`, when the process is gone, or is not ours to ask.
pub fn unanswered(pid: i32) -> io::Result<usize> {
    let raw = |errno: groundhog_sys::Errno| io::Error::from_raw_os_error(errno.0);
    let process = pidfd::open(Tid(pid)).map_err(raw)?;
    let mut waiting = Vec::new();
    let mut ports = Vec::new();
    for socket in survey::sockets(Tid(pid), &process)? {
        let Ok(counters) = socket::tcp_counters(&socket) else { continue }; // it is of another kind
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
    let mut numbers = Vec::new();
    fcntl::list_numbers(fcntl::open_folder("/proc/self/fd").map_err(raw)?, &mut numbers).map_err(raw)?;
    let ends = OwnEnds::of(&numbers, true, &BTreeSet::new()).unwrap_or_default();
    let is_ours = |own, peer| ends.is_peer_of(SOCK_STREAM, own, peer);
    Ok(waiting.iter().filter(|(own, peer)| !peer.as_ref().is_some_and(|peer| is_ours(own, peer))).count())
}
