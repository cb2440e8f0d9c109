//! Telling sockets apart, at the snapshot.

use super::datagrams::are_taken;
use super::pair::{Refill, peek_all};
use super::twin::{End, twin};
use super::{Flow, Role, refuse};
use crate::duplicate::{self, Duplicate};
use crate::error::{OrTrouble, Reason, Step};
use groundhog_proc::unix_sockets;
use groundhog_sys::fcntl::Ready;
use groundhog_sys::socket::{self, Address, Made};
use groundhog_sys::{Errno, Tid, fcntl, sock_diag};
use std::collections::BTreeSet;
use std::os::fd::OwnedFd;

const AF_UNIX: i32 = 1;
const AF_INET: i32 = 2;
const AF_INET6: i32 = 10;
const SOCK_STREAM: i32 = 1;
const SOCK_DGRAM: i32 = 2;
const SOCK_SEQPACKET: i32 = 5;
const IPPROTO_TCP: i32 = 6;
const IPPROTO_UDP: i32 = 17;

/// Sockets at the snapshot, to be told apart.
#[derive(Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) numbers: Vec<i32>,
    pub(crate) duplicate: &'a Duplicate,
    pub(crate) inode: u64,
    pub(crate) ready: Ready,
    /// This process has it open, too.
    pub(crate) ours: bool,
}

/// What this process has at the other ends of sockets.
#[derive(Debug, Default)]
pub(crate) struct OwnEnds {
    inodes: Vec<u64>,
    /// Streams and datagrams have ports of their own, which may have the same numbers.
    addresses: Vec<(i32, Address, Address)>,
}

impl OwnEnds {
    /// Of the files with these numbers, but for `theirs`, by inode, and for duplicates: another thread may have closed one meanwhile,
    /// and its number have become that of one more. `same_network`: the other ends' addresses mean what ours do.
    pub(crate) fn of(numbers: &[i32], same_network: bool, theirs: &BTreeSet<u64>) -> Step<Self> {
        const EBADF: Errno = Errno(9);
        let mut ends = Self::default();
        let duplicates = duplicate::lock();
        for number in numbers.iter().filter(|number| !duplicates.have(**number)) {
            let copy = match fcntl::duplicate_number(*number) {
                Err(EBADF) => continue,
                copy => copy.or_trouble(Reason::Inspection, "looking at what the supervisor has open")?,
            };
            let Ok(Made { family, kind, .. }) = socket::made(&copy) else { continue };
            let inode = fcntl::inode(&copy).ok();
            if inode.is_some_and(|inode| theirs.contains(&inode)) {
                continue;
            }
            if family == AF_UNIX {
                ends.inodes.extend(inode);
            } else if same_network
                && is_internet(family)
                && let (Ok(own), Ok(peer)) = (socket::own_address(&copy), socket::peer_address(&copy))
            {
                ends.addresses.push((kind, own.plain(), peer.plain()));
            }
        }
        Ok(ends)
    }

    /// Those that came to that port alone.
    pub(crate) fn at(mut self, port: u16) -> Self {
        self.inodes.clear();
        self.addresses.retain(|(_, own, _)| own.port() == Some(port));
        self
    }

    #[cfg(test)]
    pub(crate) fn has(&self, inode: u64) -> bool {
        self.inodes.contains(&inode)
    }

    pub(crate) fn is_peer_of(&self, kind: i32, own: &Address, peer: &Address) -> bool {
        self.addresses.iter().any(|(of, here, there)| *of == kind && here == peer && there == own)
    }
}

/// The process whose the sockets are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner<'a> {
    pub(crate) pid: Tid,
    /// Who tells of the sockets of its network; none where nobody can.
    pub(crate) sock_diag: Option<&'a OwnedFd>,
}

/// Tells what a socket is.
pub(super) fn tell(
    candidate: &Candidate<'_>,
    made: Made,
    all: &[Candidate<'_>],
    ends: &OwnEnds,
    owner: Owner<'_>,
    unread: u64,
) -> Step<Role> {
    let fd = candidate.duplicate;
    if candidate.ours {
        return Ok(Role::Ours);
    }
    if made.listens {
        return Ok(Role::Listener);
    }
    // Some kinds have none.
    let Ok(own) = socket::own_address(fd) else { return Ok(Role::Other) };
    let peer = socket::peer_address(fd).ok();
    if let Some(peer) = &peer
        && is_internet(made.family)
        && ends.is_peer_of(made.kind, &own.clone().plain(), &peer.clone().plain())
    {
        return Ok(Role::Ours);
    }
    if made.family == AF_UNIX && peer.is_some() {
        let other = unix_peer(candidate, all, owner);
        if other.is_some_and(|inode| ends.inodes.contains(&inode)) {
            return Ok(Role::Ours);
        }
        if let Some(other) = other.and_then(|inode| all.iter().find(|found| found.inode == inode)) {
            return pair(candidate, other, made, unread);
        }
    }
    Ok(match (made.family, made.kind, made.protocol) {
        (AF_INET | AF_INET6, SOCK_STREAM, IPPROTO_TCP) => Role::Tcp(
            Flow::settled(fd).or_trouble(Reason::Inspection, "asking a connection for its counters")?,
        ),
        (_, SOCK_STREAM | SOCK_SEQPACKET, _) if peer.is_none() => Role::Idle,
        (AF_UNIX, SOCK_STREAM, _) => Role::Unix,
        (AF_UNIX, SOCK_DGRAM, _)
            if own.is_unnamed() && peer.as_ref().is_none_or(|peer| !peer.is_unnamed()) =>
        {
            Role::Nameless
        }
        (AF_INET | AF_INET6, SOCK_DGRAM, IPPROTO_UDP) if own.is_unnamed() => Role::Unbound,
        (AF_INET | AF_INET6, SOCK_DGRAM, IPPROTO_UDP) => peer.map_or(Role::Named, Role::Connected),
        (_, SOCK_STREAM | SOCK_SEQPACKET, _) => Role::Stream,
        _ => Role::Other,
    })
}

/// Addresses of other families need not be two ends of one connection: all sockets to the kernel have the same.
fn is_internet(family: i32) -> bool {
    family == AF_INET || family == AF_INET6
}

/// The inode number of what a Unix socket is connected to.
fn unix_peer(candidate: &Candidate<'_>, all: &[Candidate<'_>], owner: Owner<'_>) -> Option<u64> {
    match owner.sock_diag.map(|asked| sock_diag::unix_peer(asked, candidate.inode)) {
        Some(Ok(peer)) => peer,
        _ => twin_of(candidate, all, owner),
    }
}

/// The other end of a pair, where the kernel cannot be asked for it.
fn twin_of(candidate: &Candidate<'_>, all: &[Candidate<'_>], owner: Owner<'_>) -> Option<u64> {
    let supervisor = Tid(i32::try_from(std::process::id()).ok()?);
    let tables = [owner.pid, supervisor].map(|pid| std::fs::read(format!("/proc/{pid}/net/unix")));
    let mut listed: Vec<_> =
        tables.into_iter().flatten().flat_map(|text| unix_sockets::nameless(&text)).collect();
    listed.sort_unstable_by_key(|socket| socket.inode);
    listed.dedup();
    let ends: Vec<End> = listed
        .iter()
        .filter_map(|socket| match all.iter().find(|other| other.inode == socket.inode) {
            // Of one whose other end is gone, the number beside it may have been given anew.
            Some(held) if fcntl::is_hung_up(held.duplicate).unwrap_or(true) => None,
            Some(held) => Some(End::held(*socket, socket::peer_process(held.duplicate).ok())),
            None => Some(End::unknown(*socket)),
        })
        .collect();
    let found = twin(candidate.inode, &ends)?;
    let maker = if found.maker.is_some() { owner.pid } else { supervisor };
    (socket::peer_process(candidate.duplicate) == Ok(maker)).then_some(found.inode)
}

fn pair(candidate: &Candidate<'_>, other: &Candidate<'_>, made: Made, unread: u64) -> Step<Role> {
    let packets = made.kind != SOCK_STREAM;
    if unread == 0 && !(packets && candidate.ready.readable) {
        // What more it sends to others could not be told from that.
        let waits_elsewhere = packets && !other.ready.readable && !are_taken(candidate.duplicate)?;
        return Ok(if waits_elsewhere { Role::Other } else { Role::Pair { packets, refill: None } });
    }
    if packets {
        return refuse(&candidate.numbers, "holds messages, which could not be put back");
    }
    let contents = peek_all(candidate.duplicate)
        .or_else(|()| refuse(&candidate.numbers, "holds more than bytes, or too many to be put back"))?;
    let other_end = other.duplicate.again().or_trouble(Reason::Inspection, "duplicating a socket")?;
    // One that can no longer be written to counts as a connection, which a request ends by reading from it.
    if socket::send(&other_end, &[]) != Ok(0) {
        return Ok(Role::Unix);
    }
    match Refill::save(candidate.duplicate, contents, other_end) {
        Ok(refill) => Ok(Role::Pair { packets, refill: Some(refill) }),
        Err(what) => refuse(&candidate.numbers, what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_duplicate_of_a_socket_of_the_process_is_no_end_of_ours() {
        let (socket, _other) = UnixStream::pair().expect("a pair");
        let socket = OwnedFd::from(socket);
        let inode = fcntl::inode(&socket).expect("it is open");
        let ends = |theirs| OwnEnds::of(&[socket.as_raw_fd()], true, &theirs).expect("it is open");
        assert_eq!(ends(BTreeSet::new()).inodes, [inode]);
        assert!(ends(BTreeSet::from([inode])).inodes.is_empty());
    }
    #[test]
    fn of_two_servers_of_ours_only_the_one_by_which_we_speak_counts() {
        let servers = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
        let ports = servers.each_ref().map(|server| server.local_addr().expect("it listens").port());
        let accepted = servers.each_ref().map(|server| {
            let theirs = TcpStream::connect(server.local_addr().expect("it listens")).expect("it accepts");
            (server.accept().expect("somebody connected").0, theirs)
        });
        let numbers = accepted.each_ref().map(|(ours, _)| ours.as_raw_fd());
        let ends = OwnEnds::of(&numbers, true, &BTreeSet::new()).expect("they are open").at(ports[1]);
        let counts = accepted.each_ref().map(|(_, theirs)| {
            let address = |asked: groundhog_sys::Result<Address>| asked.expect("it is connected").plain();
            ends.is_peer_of(
                SOCK_STREAM,
                &address(socket::own_address(theirs)),
                &address(socket::peer_address(theirs)),
            )
        });
        assert_eq!(counts, [false, true]);
    }
}
