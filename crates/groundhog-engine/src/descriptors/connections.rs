//! Sockets of the snapshot: what they are connected to, and what becomes of a connection that a request used.
//!
//! An answer that comes late would reach a later request. So a connection through which something has gone since the
//! snapshot is shut down, the reverted client finds it at its end and connects anew, and it stays so: that end is what
//! every later request finds. What cannot be ended like this retires the process.
//!
//! - A TCP connection has counters. All others have none: the calls on their numbers are seen (see `watch`).
//! - Both ends of a pair may be in the process, which wakes itself with it: it is emptied, and goes on.
//! - A datagram socket of the Internet gets another port, so that nobody's answer finds it, and the same peer. Where it has none, only
//!   while no message has ever come to it: others may know the port of a server.

mod datagrams;
mod pair;
mod role;
mod twin;

use super::is_taken;
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::report::RestoreReport;
pub(crate) use role::{Candidate, OwnEnds, Owner};

use groundhog_sys::fcntl::{self, Ready};
use groundhog_sys::socket::{self, Address, TcpCounters, Traces};
use pair::Refill;
use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// More empty messages than this are an end that was shut down, which reads like them.
const MAX_EMPTY: usize = 4096;

/// How long others may go on sending to one that is being emptied.
const EMPTIED_WITHIN: Duration = Duration::from_secs(1);

/// A socket of the snapshot.
#[derive(Debug)]
pub(crate) struct Socket {
    role: Role,
    /// All numbers that the process has it under.
    numbers: Vec<i32>,
    /// Something could be read from it, if only its end.
    readable: bool,
    /// A byte out of band waited.
    urgent: bool,
    /// How many bytes waited.
    unread: u64,
    /// What a socket for messages keeps of those that came and went.
    traces: Traces,
    /// Where a TCP connection begins and ends: its other end may be another socket of the snapshot.
    addresses: Option<(Address, Address)>,
    /// It is.
    is_with_itself: bool,
    /// Of a socket for messages: where they go. The kernel takes that away when one is sent after its receiver has ended.
    peer: Option<Address>,
    /// Where the next peek begins; negative: always at the beginning.
    peek_offset: i32,
}

#[derive(Debug)]
enum Role {
    /// This process has it open, too, or is at its other end.
    Ours,
    /// It takes connections.
    Listener,
    /// A stream that is not connected: nothing comes to it.
    Idle,
    /// Its other end is in the process; how to put back what waited, if something did.
    Pair { packets: bool, refill: Option<Refill> },
    /// What had gone through it.
    Tcp(Flow),
    /// A Unix stream.
    Unix,
    /// A connection of another family.
    Stream,
    /// A datagram socket of the Internet without a port.
    Unbound,
    /// One with a peer and a port of the kernel's choice.
    Connected(Address),
    /// One with a port, and no peer: a client of the warm-up that names whom it sends to each time, or a server.
    Named,
    /// A datagram socket that nobody can answer, for want of a name.
    Nameless,
    /// Another one for messages.
    Other,
    /// It was shut down.
    Shut,
}

/// What has gone through a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flow {
    state: u8,
    written: u64,
    received: u64,
}

impl Flow {
    /// An acknowledgement that comes between the two questions must not hide a write: it would count in neither if the
    /// counters were read first, and counts in both if they are read last.
    fn now(fd: &OwnedFd) -> groundhog_sys::Result<Self> {
        let unacknowledged = socket::unacknowledged(fd)?;
        let TcpCounters { state, acknowledged, received, .. } = socket::tcp_counters(fd)?;
        Ok(Self { state, written: acknowledged + unacknowledged, received })
    }

    /// The same, exactly: when nothing came between.
    fn settled(fd: &OwnedFd) -> groundhog_sys::Result<Self> {
        let mut before = Self::now(fd)?;
        loop {
            let again = Self::now(fd)?;
            if again == before {
                return Ok(again);
            }
            before = again;
        }
    }
}

/// What restores are told about sockets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved<'a> {
    /// The numbers on which calls were made; none when calls are not seen.
    pub(crate) numbers: Option<&'a BTreeSet<i32>>,
    /// The numbers of what was shut down.
    pub(crate) shut: &'a BTreeSet<i32>,
    /// The numbers of what may hold back an unfinished message.
    pub(crate) corked: &'a BTreeSet<i32>,
    /// The numbers of those of which options were set.
    pub(crate) options: &'a BTreeSet<i32>,
    /// Connections are left open, whatever went through them.
    pub(crate) keep: bool,
}

fn refuse<T>(numbers: &[i32], what: &str) -> Step<T> {
    let message = format!("descriptor {} {what}", numbers.first().unwrap_or(&-1));
    Err(Trouble::Refused(Reason::DescriptorChanged, message))
}

impl Socket {
    /// Tells what it is, at the snapshot.
    pub(crate) fn save(
        candidate: &Candidate<'_>,
        all: &[Candidate<'_>],
        ends: &OwnEnds,
        owner: Owner<'_>,
    ) -> Step<Self> {
        let fd = candidate.duplicate;
        let peek_offset = socket::peek_offset(fd);
        let found = peeking_from_start(fd, peek_offset, || Self::look_at(candidate, all, ends, owner));
        Ok(Self { peek_offset, ..found? })
    }

    fn look_at(
        candidate: &Candidate<'_>,
        all: &[Candidate<'_>],
        ends: &OwnEnds,
        owner: Owner<'_>,
    ) -> Step<Self> {
        let fd = candidate.duplicate;
        if socket::sends_own_pages(fd) {
            return refuse(
                &candidate.numbers,
                "sends from the process's own pages (SO_ZEROCOPY), which a restore writes",
            );
        }
        // What the kernel numbers, or tells once, is numbered and told now.
        socket::number(fd);
        socket::take_error(fd);
        let made = socket::made(fd).or_trouble(Reason::Inspection, "asking what a socket is")?;
        let unread = if made.listens { 0 } else { fcntl::waiting_bytes(fd).unwrap_or(0) };
        let (numbers, Ready { readable, urgent, failed, .. }) = (candidate.numbers.clone(), candidate.ready);
        let mut role = role::tell(candidate, made, all, ends, owner, unread)?;
        if matches!(role, Role::Nameless) && !datagrams::are_taken(fd)? {
            // What more it sends could not be told from that.
            role = Role::Other;
        }
        let emptied =
            matches!(role, Role::Unbound | Role::Connected(_) | Role::Named | Role::Nameless | Role::Other);
        if emptied {
            // How much waits in it cannot be told, only that something does.
            if readable || failed {
                discard_all(&numbers, fd)?;
            }
            let traces = socket::traces(fd);
            let (unread, addresses, peer) = (0, None, socket::peer_address(fd).ok());
            return Ok(Self {
                role,
                numbers,
                readable: false,
                urgent: false,
                unread,
                traces,
                addresses,
                is_with_itself: false,
                peer,
                peek_offset: -1,
            });
        }
        if matches!(role, Role::Listener) && readable {
            return refuse(&numbers, "has a connection that waits to be accepted");
        }
        let addresses = match role {
            Role::Tcp(_) => socket::own_address(fd)
                .ok()
                .zip(socket::peer_address(fd).ok())
                .map(|(own, peer)| (own.plain(), peer.plain())),
            _ => None,
        };
        let traces = socket::traces(fd);
        // Anybody who tries to connect to a listener counts there, and no process is told of it.
        let traces = if matches!(role, Role::Listener) { traces.beside_drops() } else { traces };
        Ok(Self {
            role,
            numbers,
            readable,
            urgent,
            unread,
            traces,
            addresses,
            is_with_itself: false,
            peer: None,
            peek_offset: -1,
        })
    }

    /// Where its other end is, if it is a TCP connection.
    pub(crate) fn other_end(&self) -> Option<(Address, Address)> {
        let (own, peer) = self.addresses.clone()?;
        Some((peer, own))
    }

    /// Notes whether its other end is another socket of the snapshot, of whose these are the other ends.
    pub(crate) fn note_other_end(&mut self, others: &[(Address, Address)]) {
        self.is_with_itself = self.is_at(others);
    }

    /// The numbers on which calls must be seen. `keep`: connections are left open, whatever went through them.
    pub(crate) fn watched(&self, keep: bool) -> &[i32] {
        let is_watched = match self.role {
            Role::Unix | Role::Stream => !keep,
            // What is stamped is numbered, too.
            Role::Connected(_) | Role::Named | Role::Other => !keep || self.traces.stamps(),
            // Stamps come back in its queue of errors, of which nothing tells that some were taken.
            Role::Tcp(_) => self.traces.stamps(),
            _ => false,
        };
        if is_watched { &self.numbers } else { &[] }
    }

    /// Puts it back, or ends it. Says whether it is to have nothing to read now.
    pub(crate) fn revert(
        &mut self,
        fd: &OwnedFd,
        ready: Ready,
        moved: Moved<'_>,
        report: &mut RestoreReport,
    ) -> Step<bool> {
        peeking_from_start(fd, self.peek_offset, || self.revert_contents(fd, ready, moved, report))
    }

    fn revert_contents(
        &mut self,
        fd: &OwnedFd,
        ready: Ready,
        moved: Moved<'_>,
        report: &mut RestoreReport,
    ) -> Step<bool> {
        let readable = ready.readable;
        if self.is_among(moved.shut) {
            return self.follow_shutdown(fd, report).map(|()| false);
        }
        if self.is_among(moved.corked)
            && matches!(self.role, Role::Unbound | Role::Connected(_) | Role::Named | Role::Other)
        {
            return self.refuse("may hold an unfinished message");
        }
        match &self.role {
            Role::Shut => {
                // That the other end has read it all, or not.
                socket::take_error(fd);
                return if is_open(fd) { self.refuse("was connected again") } else { Ok(false) };
            }
            Role::Idle if is_connected(fd) => return self.refuse("was connected"),
            Role::Idle if readable == self.readable => return Ok(false),
            Role::Ours | Role::Listener | Role::Idle => {
                let same = readable == self.readable && (!readable || self.unread_now(fd) == self.unread);
                if matches!(self.role, Role::Listener) && socket::traces(fd).beside_drops() != self.traces {
                    return self.refuse("keeps something of a connection");
                }
                return if same { Ok(false) } else { self.refuse("holds other data than at the snapshot") };
            }
            Role::Pair { .. } => return self.revert_pair(fd, readable, report),
            Role::Connected(_) | Role::Named | Role::Other if moved.keep => {
                return self.keep_datagrams(fd, moved, report).map(|()| false);
            }
            Role::Tcp(_) | Role::Unix | Role::Stream if moved.keep => {
                return self.keep(fd, ready, report).map(|()| false);
            }
            Role::Tcp(before) => {
                let now =
                    Flow::now(fd).or_trouble(Reason::Inspection, "asking a connection for its counters")?;
                let is_used = now != *before
                    || self.unread_now(fd) != self.unread
                    || ready.urgent != self.urgent
                    // It may have had the kernel ask whether the other end is there, which counts.
                    || self.is_among(moved.options)
                    || (self.traces.stamps() && self.was_called(moved));
                if is_used {
                    self.shut_tcp(fd, report)?;
                }
            }
            Role::Stream => {
                let is_used = self.was_called(moved) || self.is_among(moved.options);
                if is_used || readable != self.readable || self.unread_now(fd) != self.unread {
                    return self.refuse("was used, and an answer may come late");
                }
            }
            Role::Unix => {
                if self.was_called(moved) || readable != self.readable || self.unread_now(fd) != self.unread {
                    self.shut_unix(fd, report)?;
                }
            }
            Role::Unbound | Role::Connected(_) | Role::Named | Role::Nameless | Role::Other => {
                self.revert_datagrams(fd, ready, moved, report)?;
            }
        }
        Ok(false)
    }

    /// Where its other end is, if it is a connection that was shut down.
    pub(crate) fn shut_from(&self) -> Option<(Address, Address)> {
        if matches!(self.role, Role::Shut) { self.other_end() } else { None }
    }

    /// Shuts it, too, if its other end is one that was.
    pub(crate) fn follow_other_end(
        &mut self,
        fd: &OwnedFd,
        shut: &[(Address, Address)],
        report: &mut RestoreReport,
    ) -> Step<()> {
        if !self.is_other_end(shut) {
            return Ok(());
        }
        self.hear_of_end(fd, shut)?;
        self.shut_tcp(fd, report)
    }

    /// Waits until it has heard that its other end was shut, and has nothing more to say to that: see [`Self::settle`].
    pub(crate) fn hear_of_end(&self, fd: &OwnedFd, shut: &[(Address, Address)]) -> Step<()> {
        if !self.is_other_end(shut) || is_taken(|| is_closed(fd))? {
            return Ok(());
        }
        self.refuse("has not heard that its other end was shut")
    }

    /// Waits until the other end, which the process has, too, has answered the end of the connection. An answer that finds this end gone
    /// is reset, and once the other one is gone, too, the listener of its port counts that as something that it had no room for. Where
    /// the kernel leaves packets to a thread of its own, that takes a while.
    fn settle(&self, fd: &OwnedFd) -> Step<()> {
        let is_answered = is_taken(|| {
            let left =
                socket::unacknowledged(fd).or_trouble(Reason::DescriptorChanged, "shutting a connection")?;
            Ok(left == 0 || is_closed(fd)?)
        })?;
        // One wait is enough for a restore.
        if is_answered { Ok(()) } else { self.refuse("was shut, and its other end has not taken that") }
    }

    fn is_other_end(&self, shut: &[(Address, Address)]) -> bool {
        self.is_at(shut) && matches!(self.role, Role::Tcp(_))
    }

    fn is_at(&self, ends: &[(Address, Address)]) -> bool {
        self.addresses.as_ref().is_some_and(|addresses| ends.contains(addresses))
    }

    /// What is told of it now is not what was at the snapshot, in words.
    pub(crate) fn difference(&self, fd: &OwnedFd, ready: Ready, keep: bool) -> Step<Option<String>> {
        let readable = ready.readable;
        let differs = match &self.role {
            Role::Tcp(_) | Role::Unix | Role::Stream if keep => {
                readable != self.readable || self.unread_now(fd) != self.unread
            }
            Role::Shut => is_open(fd),
            Role::Idle if is_connected(fd) => true,
            Role::Tcp(before) => {
                let now =
                    Flow::now(fd).or_trouble(Reason::Inspection, "asking a connection for its counters")?;
                now != *before || self.unread_now(fd) != self.unread || ready.urgent != self.urgent
            }
            Role::Listener => readable != self.readable || socket::traces(fd).beside_drops() != self.traces,
            Role::Pair { refill: Some(refill), .. } => {
                peeking_from_start(fd, self.peek_offset, || !refill.is_there(fd))
            }
            Role::Nameless if !datagrams::are_taken(fd)? => true,
            Role::Unbound | Role::Connected(_) | Role::Named | Role::Nameless | Role::Other => {
                readable
                    || ready.failed
                    || socket::traces(fd) != self.traces
                    || socket::peer_address(fd).ok() != self.peer
            }
            _ => readable != self.readable || self.unread_now(fd) != self.unread,
        };
        Ok(differs.then(|| "was used, or holds other data than at the snapshot".to_owned()))
    }

    fn refuse<T>(&self, what: &str) -> Step<T> {
        refuse(&self.numbers, what)
    }

    fn was_called(&self, moved: Moved<'_>) -> bool {
        moved.numbers.is_none_or(|called| self.is_among(called))
    }

    fn is_among(&self, numbers: &BTreeSet<i32>) -> bool {
        self.numbers.iter().any(|number| numbers.contains(number))
    }

    /// Does in full what the request did in part: clients do it to a connection that they find at its end.
    fn follow_shutdown(&mut self, fd: &OwnedFd, report: &mut RestoreReport) -> Step<()> {
        match self.role {
            Role::Tcp(_) => self.shut_tcp(fd, report),
            Role::Unix => self.shut_unix(fd, report),
            Role::Shut => Ok(()),
            _ => self.refuse("was shut down, and is not known as a connection"),
        }
    }

    fn unread_now(&self, fd: &OwnedFd) -> u64 {
        if matches!(self.role, Role::Listener) { 0 } else { fcntl::waiting_bytes(fd).unwrap_or(0) }
    }

    /// What waits in a connection that is left open is read away, if nothing waited at the snapshot.
    fn keep(&self, fd: &OwnedFd, ready: Ready, report: &mut RestoreReport) -> Step<()> {
        if self.unread > 0 {
            let same = ready.readable == self.readable
                && ready.urgent == self.urgent
                && self.unread_now(fd) == self.unread;
            return if same { Ok(()) } else { self.refuse("holds other data than at the snapshot") };
        }
        report.bytes_drained += discard_stream(&self.numbers, fd)?;
        Ok(())
    }

    fn shut_tcp(&mut self, fd: &OwnedFd, report: &mut RestoreReport) -> Step<()> {
        let trouble = "shutting a connection";
        let outstanding = socket::unacknowledged(fd).or_trouble(Reason::DescriptorChanged, trouble)?;
        socket::shut(fd).or_trouble(Reason::DescriptorChanged, trouble)?;
        if outstanding > 0 {
            // What the request sent is to arrive: it is no longer sent again once the connection is given up.
            self.wait_for_acknowledgement(fd)?;
        }
        if self.is_with_itself {
            self.settle(fd)?;
        }
        report.bytes_drained += discard_stream(&self.numbers, fd).unwrap_or(0);
        socket::disconnect(fd).or_trouble(Reason::DescriptorChanged, trouble)?;
        socket::shut(fd).or_trouble(Reason::DescriptorChanged, trouble)?;
        socket::take_error(fd);
        refuse_errors(&self.numbers, fd)?;
        self.note_shut(report);
        Ok(())
    }

    fn wait_for_acknowledgement(&self, fd: &OwnedFd) -> Step<()> {
        let is_acknowledged = is_taken(|| {
            let left =
                socket::unacknowledged(fd).or_trouble(Reason::DescriptorChanged, "shutting a connection")?;
            Ok(left <= 1) // the end of the connection counts as a byte
        })?;
        if is_acknowledged { Ok(()) } else { self.refuse("has sent what the other end has not acknowledged") }
    }

    fn shut_unix(&mut self, fd: &OwnedFd, report: &mut RestoreReport) -> Step<()> {
        socket::shut(fd).or_trouble(Reason::DescriptorChanged, "shutting a connection")?;
        // Nothing can come any more.
        report.bytes_drained += discard_stream(&self.numbers, fd)?;
        socket::take_error(fd);
        self.note_shut(report);
        Ok(())
    }

    fn note_shut(&mut self, report: &mut RestoreReport) {
        self.role = Role::Shut;
        report.connections_shut += 1;
    }
}

/// Whether it is neither connected nor on its way to its end.
fn is_closed(fd: &OwnedFd) -> Step<bool> {
    let counters = socket::tcp_counters(fd);
    Ok(counters.or_trouble(Reason::Inspection, "asking a connection for its state")?.is_closed())
}

/// Whether a TCP socket is connected or on its way to be.
fn is_open(fd: &OwnedFd) -> bool {
    socket::tcp_counters(fd).is_ok_and(|counters| !counters.is_closed())
}

fn is_connected(fd: &OwnedFd) -> bool {
    is_open(fd) || socket::peer_address(fd).is_ok()
}

/// Looks at a socket, and lets the next peek of its owner begin where it would have: looking moves that, too.
fn peeking_from_start<T>(fd: &OwnedFd, peek_offset: i32, look: impl FnOnce() -> T) -> T {
    if peek_offset < 0 {
        return look();
    }
    socket::set_peek_offset(fd, -1);
    let found = look();
    socket::set_peek_offset(fd, peek_offset);
    found
}

/// Takes all bytes of a stream, to its end if that has come.
fn discard_stream(numbers: &[i32], fd: &OwnedFd) -> Step<u64> {
    discard(numbers, fd, true)
}

/// Takes every message, every error, and a byte out of band; what came with them, such as descriptors, is closed by the
/// kernel.
fn discard_all(numbers: &[i32], fd: &OwnedFd) -> Step<u64> {
    discard(numbers, fd, false)
}

fn discard(numbers: &[i32], fd: &OwnedFd, is_stream: bool) -> Step<u64> {
    let mut bytes = 0;
    let mut fruitless = 0;
    let mut failed = false;
    let begun = Instant::now();
    // First of all: a read that passes over a byte out of band leaves it counted for ever (Linux 6.18).
    if is_stream {
        socket::discard_urgent_byte(fd);
    }
    while fruitless < MAX_EMPTY && begun.elapsed() < EMPTIED_WITHIN {
        match socket::discard(fd) {
            Ok(found) if found.is_none() || (is_stream && found == Some(0)) => {
                return discard_errors(numbers, fd).map(|()| bytes);
            }
            Ok(found) => {
                let count = found.unwrap_or(0);
                bytes += count;
                fruitless += usize::from(count == 0);
                failed = false;
            }
            // What the network told of is taken by asking once; some kinds are never read like this.
            Err(_) if failed => return discard_errors(numbers, fd).map(|()| bytes),
            Err(_) => failed = true,
        }
    }
    refuse(numbers, "cannot be emptied")
}

fn discard_errors(numbers: &[i32], fd: &OwnedFd) -> Step<()> {
    socket::discard_out_of_band(fd);
    refuse_errors(numbers, fd)
}

/// Refuses a socket in which errors wait: they hold what was sent.
fn refuse_errors(numbers: &[i32], fd: &OwnedFd) -> Step<()> {
    let ready =
        fcntl::ready(std::iter::once(fd)).or_trouble(Reason::Inspection, "polling its descriptors")?;
    if ready[0].failed { refuse(numbers, "has errors waiting, which cannot be taken") } else { Ok(()) }
}
