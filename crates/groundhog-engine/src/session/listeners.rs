//! Where a process listens for connections, and who may come: for servers that are asked by connecting to them.
//!
//! What strangers send could not be reverted. So each socket is guarded at the call by which it begins to listen, before that is made.

use crate::descriptors::survey;
use crate::duplicate::Duplicate;
use crate::error::{Error, Reason, Result, Step, Trouble};
use groundhog_sys::{Errno, Tid, pidfd, socket, socket_filter};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

const TCP: i32 = 6; // IPPROTO_TCP
const UNUSABLE: Errno = Errno(95); // EOPNOTSUPP

/// Where it listens by TCP.
pub(super) fn addresses(pid: Tid, pidfd: &OwnedFd) -> Result<Vec<SocketAddr>> {
    let failed = |errno| Error::System { pid, what: "looking at what it has open", errno };
    let of_io = |error: std::io::Error| failed(Errno(error.raw_os_error().unwrap_or(0)));
    let mut sockets = survey::sockets(pid, pidfd).map_err(of_io)?;
    sockets.retain(|one| socket::made(one).is_ok_and(|made| made.listens && made.protocol == TCP));
    Ok(sockets.iter().filter_map(|one| socket::own_address(one).ok()?.internet()).collect())
}

/// A process is about to listen: nobody is to come but one of these, by the family of its socket.
pub(super) fn guard(process: Tid, number: i32, admitted: &[SocketAddr]) -> groundhog_sys::Result<()> {
    let pidfd = pidfd::open(process)?;
    let Ok(listener) = Duplicate::of(&pidfd, number) else { return Ok(()) }; // the call will fail
    match peer_of(&listener, admitted)? {
        Some(peer) => socket_filter::admit_only(&listener, &peer),
        None => Ok(()),
    }
}

/// Refuses one that listens unguarded, such as one that was put in another's place just then, or that the process came with.
pub(super) fn check(number: i32, socket: &OwnedFd, admitted: &[SocketAddr]) -> Step<()> {
    let is_guarded = || match peer_of(socket, admitted)? {
        Some(peer) if socket::made(socket)?.listens => socket_filter::admits_only(socket, &peer),
        _ => Ok(true),
    };
    if is_guarded() == Ok(true) {
        return Ok(());
    }
    let message = format!("descriptor {number} takes connections from anybody, which could not be reverted");
    Err(Trouble::Refused(Reason::DescriptorKind, message))
}

/// Who may come to a socket of TCP.
fn peer_of(socket: impl AsFd, admitted: &[SocketAddr]) -> groundhog_sys::Result<Option<SocketAddr>> {
    if socket::made(&socket)?.protocol != TCP {
        return Ok(None);
    }
    let own = socket::own_address(&socket)?.internet().ok_or(UNUSABLE)?;
    // One for both versions of the protocol, bound to an address of the older one, is asked by that.
    let is_old = own.ip().to_canonical().is_ipv4();
    admitted.iter().copied().find(|peer| peer.is_ipv4() == is_old).map(Some).ok_or(UNUSABLE)
}

/// What these are bound to.
pub(super) fn callers(sockets: &[OwnedFd]) -> Vec<SocketAddr> {
    let own = |socket| socket::own_address(socket).ok().and_then(|own| own.internet());
    sockets.iter().filter_map(own).filter(|own| own.port() != 0).collect()
}
