//! Sockets, through a duplicate: what they are, what waits in them, and ending what they are connected to.

use crate::kernel_types::{Result, check};
use std::mem::{MaybeUninit, size_of};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// What a socket was made as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// `AF_INET`, `AF_UNIX`, ...
    pub family: i32,
    /// `SOCK_STREAM`, `SOCK_DGRAM`, ...
    pub kind: i32,
    /// `IPPROTO_TCP`, ...
    pub protocol: i32,
    /// It takes connections.
    pub listens: bool,
}

/// An option of a socket that is a number.
fn option(fd: BorrowedFd<'_>, name: i32) -> Result<i32> {
    let mut value = 0_i32;
    let mut len = size_of::<i32>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes, the size of `value`, and the new length. getsockopt(2).
    check(i64::from(unsafe {
        libc::getsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, name, (&raw mut value).cast(), &raw mut len)
    }))?;
    Ok(value)
}

/// `getsockopt`: the bytes of any option.
///
/// # Errors
/// As getsockopt(2); `ENOPROTOOPT` for one that cannot be asked for.
pub fn option_bytes(fd: impl AsFd, level: u32, name: u32) -> Result<Vec<u8>> {
    let mut value = [0_u8; 256];
    let mut len = value.len() as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes, the size of `value`, and the new length. getsockopt(2).
    check(i64::from(unsafe {
        libc::getsockopt(
            fd.as_fd().as_raw_fd(),
            level as i32,
            name as i32,
            value.as_mut_ptr().cast(),
            &raw mut len,
        )
    }))?;
    Ok(value[..(len as usize).min(value.len())].to_vec())
}

/// `setsockopt`: sets any option to what [`option_bytes`] said.
///
/// # Errors
/// As setsockopt(2).
pub fn set_option_bytes(fd: impl AsFd, level: u32, name: u32, value: &[u8]) -> Result<()> {
    // SAFETY: the kernel reads at most the length of `value` from it. setsockopt(2).
    check(i64::from(unsafe {
        libc::setsockopt(
            fd.as_fd().as_raw_fd(),
            level as i32,
            name as i32,
            value.as_ptr().cast(),
            value.len() as libc::socklen_t,
        )
    }))
    .map(drop)
}

/// Sets an option of a socket that is a number.
fn set_option(fd: impl AsFd, name: i32, value: i32) -> Result<()> {
    set_option_bytes(fd, libc::SOL_SOCKET as u32, name as u32, &value.to_ne_bytes())
}

/// `getsockopt`: what a socket was made as.
///
/// # Errors
/// As getsockopt(2).
pub fn made(fd: impl AsFd) -> Result<Made> {
    let fd = fd.as_fd();
    Ok(Made {
        family: option(fd, libc::SO_DOMAIN)?,
        kind: option(fd, libc::SO_TYPE)?,
        protocol: option(fd, libc::SO_PROTOCOL)?,
        listens: option(fd, libc::SO_ACCEPTCONN)? != 0,
    })
}

/// `socket`: one of TCP, by the older version of the Internet protocol or the newer one.
///
/// # Errors
/// As socket(2).
pub fn unconnected(old: bool) -> Result<OwnedFd> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType};
    let family = if old { AddressFamily::INET } else { AddressFamily::INET6 };
    Ok(rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?)
}

/// `SO_ERROR`: takes the error that waits to be told to whoever uses the socket next.
pub fn take_error(fd: impl AsFd) {
    let _taken = option(fd.as_fd(), libc::SO_ERROR);
}

/// `SO_ZEROCOPY`: whether what is sent may be taken from the sender's own pages, as long as it lasts.
#[must_use]
pub fn sends_own_pages(fd: impl AsFd) -> bool {
    option(fd.as_fd(), libc::SO_ZEROCOPY).is_ok_and(|set| set != 0)
}

/// `SO_REUSEPORT`: whether others may have its port, too.
#[must_use]
pub fn shares_port(fd: impl AsFd) -> bool {
    option(fd.as_fd(), libc::SO_REUSEPORT).is_ok_and(|set| set != 0)
}

/// `SO_COOKIE`: has the kernel number a socket, which it does when the number is first asked for.
pub fn number(fd: impl AsFd) {
    let mut cookie = 0_u64;
    let mut len = size_of::<u64>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes, the size of `cookie`, and the new length. getsockopt(2).
    unsafe {
        libc::getsockopt(
            fd.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_COOKIE,
            (&raw mut cookie).cast(),
            &raw mut len,
        );
    }
}

/// `SO_PASSCRED`, `SO_PASSPIDFD`: whether a Unix socket is told who sends. The kernel gives one for messages a name before it sends its
/// first.
#[must_use]
pub fn is_told_of_senders(fd: impl AsFd) -> bool {
    [libc::SO_PASSCRED, SO_PASSPIDFD].iter().any(|name| option(fd.as_fd(), *name).is_ok_and(|set| set != 0))
}

/// `asm-generic/socket.h`, Linux 6.5.
const SO_PASSPIDFD: i32 = 76;

/// `bind`, to a name of the kernel's choice: of a Unix socket.
///
/// # Errors
/// As bind(2).
pub fn name_by_kernel(fd: impl AsFd) -> Result<()> {
    let family = (libc::AF_UNIX as u16).to_ne_bytes();
    // SAFETY: the kernel reads as many bytes as the family has. unix(7), of names that it chooses.
    check(i64::from(unsafe {
        libc::bind(fd.as_fd().as_raw_fd(), family.as_ptr().cast(), family.len() as libc::socklen_t)
    }))
    .map(drop)
}

/// What a socket keeps of messages that came and went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// `SO_MEMINFO`: how many were dropped for want of room.
    drops: u32,
    /// `SO_INCOMING_CPU`: on which processor the last one came.
    processor: i32,
    /// `SO_TIMESTAMPING`: how they are stamped; with numbers, in the end.
    stamping: i32,
}

impl Traces {
    /// Whether the times at which something was sent come back in the queue of errors.
    #[must_use]
    pub fn stamps(&self) -> bool {
        self.stamping != 0
    }

    /// All but how many were dropped.
    #[must_use]
    pub fn beside_drops(self) -> Self {
        Self { drops: 0, ..self }
    }
}

/// `getsockopt`: those traces; nothing of what the kernel does not tell.
#[must_use]
pub fn traces(fd: impl AsFd) -> Traces {
    let ask = |name| option(fd.as_fd(), name).unwrap_or_default();
    Traces {
        drops: drops(fd.as_fd()),
        processor: ask(libc::SO_INCOMING_CPU),
        stamping: ask(libc::SO_TIMESTAMPING),
    }
}

/// `SO_TIMESTAMPING`: whether what is sent is numbered, which no call takes back.
#[must_use]
pub fn numbers_messages(fd: impl AsFd) -> bool {
    option(fd.as_fd(), libc::SO_TIMESTAMPING).is_ok_and(|set| set != 0)
}

/// `SO_PEEK_OFF`: where the next peek begins; -1 for none.
#[must_use]
pub fn peek_offset(fd: impl AsFd) -> i32 {
    option(fd.as_fd(), libc::SO_PEEK_OFF).unwrap_or(-1)
}

/// `SO_PEEK_OFF`: sets where the next peek begins.
pub fn set_peek_offset(fd: impl AsFd, offset: i32) {
    let _shows_in_the_offset = set_option(fd, libc::SO_PEEK_OFF, offset);
}

const ALLOCATED: usize = 4; // SK_MEMINFO_FWD_ALLOC, linux/sock_diag.h
const DROPS: usize = 8; // SK_MEMINFO_DROPS

/// Whether a message has ever come to a datagram socket of the Internet, as far as can be told: the kernel leaves it a page to
/// account for the next ones.
#[must_use]
pub fn has_received(fd: impl AsFd) -> bool {
    memory(fd.as_fd()).is_none_or(|memory| memory[ALLOCATED] != 0)
}

fn drops(fd: BorrowedFd<'_>) -> u32 {
    memory(fd).map_or(0, |memory| memory[DROPS])
}

/// `SO_MEMINFO`.
fn memory(fd: BorrowedFd<'_>) -> Option<[u32; DROPS + 1]> {
    let mut info = [0_u32; DROPS + 1];
    let mut len = size_of_val(&info) as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes, the size of `info`, and the new length. getsockopt(2).
    let asked = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            info.as_mut_ptr().cast(),
            &raw mut len,
        )
    };
    (asked == 0 && len as usize == size_of_val(&info)).then_some(info)
}

/// `recv`, without waiting, of errors of what was sent (`MSG_ERRQUEUE`), and of a byte out of band. What could not be taken
/// shows in what `poll` tells of the socket.
pub fn discard_out_of_band(fd: impl AsFd) {
    // More than fit into a receive buffer of 800 MB; a few seconds of work.
    const MAX_ERRORS: usize = 1 << 20;
    let fd = fd.as_fd();
    for _ in 0..MAX_ERRORS {
        if !discard_error(fd) {
            break;
        }
    }
    discard_urgent_byte(fd);
    take_error(fd);
}

/// Takes the first entry of the queue of errors, whatever it holds; says whether there was one.
fn discard_error(fd: BorrowedFd<'_>) -> bool {
    // SAFETY: a msghdr of zeros is an empty one.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    // SAFETY: the message has no room for anything. recvmsg(2).
    let count =
        unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut message, libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT) };
    // Some kinds have no such queue, and answer as without that flag.
    count >= 0 && message.msg_flags & libc::MSG_ERRQUEUE != 0
}

/// `recv` with `MSG_OOB`, without waiting: takes the byte out of band of a stream, and nothing else.
pub fn discard_urgent_byte(fd: impl AsFd) {
    let mut byte = [0_u8; 1];
    let flags = libc::MSG_OOB | libc::MSG_DONTWAIT;
    // SAFETY: the kernel writes at most the one byte. recv(2).
    unsafe { libc::recv(fd.as_fd().as_raw_fd(), byte.as_mut_ptr().cast(), byte.len(), flags) };
}

/// The address of one end of a socket, as the kernel writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Vec<u8>);

impl Address {
    /// Whether it names nobody: a Unix socket without a name, or port 0 of any address.
    #[must_use]
    pub fn is_unnamed(&self) -> bool {
        // The family comes first, then the port, in all families that have one.
        self.0.len() <= 2 || self.port() == Some(0)
    }

    /// Whether it is any address, and no port.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.0.iter().skip(2).all(|byte| *byte == 0)
    }

    /// As the other end has it: without a flow's label, and an address of IPv4 as such, which a socket for both versions of the
    /// protocol has in the longer form (ipv6(7)).
    #[must_use]
    pub fn plain(self) -> Self {
        /// `struct sockaddr_in6`: family, port, label, address, scope.
        const LABEL: Range<usize> = 4..8;
        const MAPPED: Range<usize> = 8..20;
        const LAST: Range<usize> = 20..24;
        let Self(mut bytes) = self;
        if bytes.len() < LAST.end || bytes[..2] != (libc::AF_INET6 as u16).to_ne_bytes() {
            return Self(bytes);
        }
        if bytes[MAPPED] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] {
            let family = (libc::AF_INET as u16).to_ne_bytes();
            return Self([&family, &bytes[2..4], &bytes[LAST], &[0; 8]].concat());
        }
        bytes[LABEL].fill(0);
        Self(bytes)
    }

    /// The port, of the families that have one.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.is_internet().then(|| u16::from_be_bytes([self.0[2], self.0[3]]))
    }

    /// The address and port, of the families that have them.
    #[must_use]
    pub fn internet(&self) -> Option<SocketAddr> {
        const SHORT: Range<usize> = 4..8;
        const LONG: Range<usize> = 8..24;
        let port = self.port()?;
        let of_family = |family: i32| self.0[..2] == (family as u16).to_ne_bytes();
        let ip = if of_family(libc::AF_INET) {
            IpAddr::from(<[u8; 4]>::try_from(self.0.get(SHORT)?).ok()?)
        } else {
            IpAddr::from(<[u8; 16]>::try_from(self.0.get(LONG)?).ok()?)
        };
        Some(SocketAddr::new(ip, port))
    }

    fn is_internet(&self) -> bool {
        let family = i32::from(u16::from_ne_bytes([self.0[0], self.0[1]]));
        self.0.len() >= 8 && (family == libc::AF_INET || family == libc::AF_INET6)
    }
}

type Asking = unsafe extern "C" fn(i32, *mut libc::sockaddr, *mut libc::socklen_t) -> i32;

fn address(fd: BorrowedFd<'_>, ask: Asking) -> Result<Address> {
    let mut room = MaybeUninit::<libc::sockaddr_storage>::zeroed();
    let mut len = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: both calls write at most `len` bytes, the size of `room`, and the length. getsockname(2), getpeername(2).
    check(i64::from(unsafe { ask(fd.as_raw_fd(), room.as_mut_ptr().cast(), &raw mut len) }))?;
    let len = (len as usize).min(size_of::<libc::sockaddr_storage>());
    // SAFETY: every byte of `room` was set to zero or by the kernel, and `len` is no more than its size.
    Ok(Address(unsafe { std::slice::from_raw_parts(room.as_ptr().cast::<u8>(), len) }.to_vec()))
}

/// `getsockname`: its own address.
///
/// # Errors
/// As getsockname(2).
pub fn own_address(fd: impl AsFd) -> Result<Address> {
    address(fd.as_fd(), libc::getsockname)
}

/// `getpeername`: the address of what it is connected to.
///
/// # Errors
/// `ENOTCONN` when it is not connected.
pub fn peer_address(fd: impl AsFd) -> Result<Address> {
    address(fd.as_fd(), libc::getpeername)
}

/// `connect`: binds a datagram socket to this peer again.
///
/// # Errors
/// As connect(2).
pub fn connect(fd: impl AsFd, to: &Address) -> Result<()> {
    // SAFETY: the kernel reads as many bytes as the address has. connect(2).
    check(i64::from(unsafe {
        libc::connect(fd.as_fd().as_raw_fd(), to.0.as_ptr().cast(), to.0.len() as libc::socklen_t)
    }))
    .map(drop)
}

/// `bind`.
///
/// # Errors
/// As bind(2).
pub fn bind(fd: impl AsFd, own: &Address) -> Result<()> {
    // SAFETY: the kernel reads as many bytes as the address has. bind(2).
    check(i64::from(unsafe {
        libc::bind(fd.as_fd().as_raw_fd(), own.0.as_ptr().cast(), own.0.len() as libc::socklen_t)
    }))
    .map(drop)
}

/// `connect` to `AF_UNSPEC`: ends what an Internet socket is connected to, and drops what waits in it and what is on its
/// way. A port that it did not ask for by number is given up, so that nothing more can come. The device that a datagram socket
/// is bound to is given up, too.
///
/// # Errors
/// As connect(2).
pub fn disconnect(fd: impl AsFd) -> Result<()> {
    connect(fd, &Address((libc::AF_UNSPEC as u16).to_ne_bytes().into_iter().chain([0; 14]).collect()))
}

/// `shutdown`, in both directions. One that is no longer connected is left as if it had been shut, too.
///
/// # Errors
/// As shutdown(2), but for `ENOTCONN`.
pub fn shut(fd: impl AsFd) -> Result<()> {
    // SAFETY: shutdown(2) takes two numbers.
    match check(i64::from(unsafe { libc::shutdown(fd.as_fd().as_raw_fd(), libc::SHUT_RDWR) })) {
        Ok(_) => Ok(()),
        // For Linux that is an answer, not a refusal: "wake up other listeners" (`inet_shutdown`).
        Err(errno) if errno.0 == libc::ENOTCONN => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// `SO_BINDTOIFINDEX`: the number of the network device that all goes through; 0 for any.
#[must_use]
pub fn device(fd: impl AsFd) -> i32 {
    option(fd.as_fd(), libc::SO_BINDTOIFINDEX).unwrap_or(0)
}

/// `SO_BINDTOIFINDEX`: binds a socket that is bound to no device to this one.
///
/// # Errors
/// As setsockopt(2).
pub fn set_device(fd: impl AsFd, device: i32) -> Result<()> {
    set_option(fd, libc::SO_BINDTOIFINDEX, device)
}

/// `SIOCOUTQ`: how many bytes are written and not yet acknowledged by the other end; of a Unix socket, how much memory what
/// it sent takes up until it is read.
///
/// # Errors
/// As ioctl(2).
pub fn unacknowledged(fd: impl AsFd) -> Result<u64> {
    let mut bytes = 0_i32;
    // SAFETY: SIOCOUTQ, which is TIOCOUTQ, writes an int. tcp(7).
    check(i64::from(unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) }))?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// What has gone through a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpCounters {
    /// Of the connection (`net/tcp_states.h`).
    pub state: u8,
    /// Bytes that the other end has acknowledged.
    pub acknowledged: u64,
    /// Bytes that have come, read or not.
    pub received: u64,
    /// Milliseconds since data was sent, or since it was connected.
    pub sent_ago: u32,
    /// Milliseconds since data came, or since it was connected.
    pub received_ago: u32,
}

impl TcpCounters {
    /// Whether it is neither connected nor on its way to be.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        const TCP_CLOSE: u8 = 7;
        self.state == TCP_CLOSE
    }

    /// Whether others connect to it.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        const TCP_LISTEN: u8 = 10;
        self.state == TCP_LISTEN
    }

    /// Whether it is on its way to be connected, or something was sent, and nothing has come since: who asked waits for an answer,
    /// as far as can be told from outside. One that nothing has come by waits for a greeting.
    #[must_use]
    pub fn awaits_answer(&self) -> bool {
        const TCP_ESTABLISHED: u8 = 1;
        const TCP_SYN_SENT: u8 = 2;
        // The kernel counts in ticks: which of two was first within one is not known, and is let rest.
        const LONG_AGO: u32 = 100;
        match self.state {
            TCP_SYN_SENT => true,
            TCP_ESTABLISHED => {
                self.received == 0
                    || self.sent_ago < self.received_ago
                    || (self.sent_ago == self.received_ago && self.sent_ago < LONG_AGO)
            }
            _ => false,
        }
    }
}

/// `struct tcp_info` (`linux/tcp.h`): where these stand.
const STATE_AT: usize = 0;
const SENT_AGO_AT: usize = 44;
const RECEIVED_AGO_AT: usize = 52;
const ACKNOWLEDGED_AT: usize = 120;
const RECEIVED_AT: usize = 128;
const COUNTERS_END: usize = 136;

/// `TCP_INFO`: the counters of a TCP connection.
///
/// # Errors
/// As getsockopt(2); `EPROTO` when the kernel tells less than is needed (before Linux 4.1).
pub fn tcp_counters(fd: impl AsFd) -> Result<TcpCounters> {
    let mut info = [0_u8; COUNTERS_END];
    let mut len = info.len() as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes, the size of `info`, and the new length. tcp(7).
    check(i64::from(unsafe {
        libc::getsockopt(
            fd.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut len,
        )
    }))?;
    if (len as usize) < COUNTERS_END {
        return Err(crate::Errno(libc::EPROTO));
    }
    let number = |at: usize| info[at..at + 8].try_into().map_or(0, u64::from_ne_bytes);
    let time = |at: usize| info[at..at + 4].try_into().map_or(0, u32::from_ne_bytes);
    Ok(TcpCounters {
        state: info[STATE_AT],
        acknowledged: number(ACKNOWLEDGED_AT),
        received: number(RECEIVED_AT),
        sent_ago: time(SENT_AGO_AT),
        received_ago: time(RECEIVED_AGO_AT),
    })
}

/// `recvmsg` with `MSG_PEEK`: reads what waits and leaves it there; says how much it was, and whether something beside
/// bytes waits with it.
///
/// # Errors
/// As recvmsg(2); `EAGAIN` when nothing waits.
pub fn peek(fd: impl AsFd, buffer: &mut [u8]) -> Result<(usize, bool)> {
    let mut vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: a msghdr of zeros is an empty one.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut vector;
    message.msg_iovlen = 1;
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
    // SAFETY: the message names one buffer, which lives and is as long as it says, and no room for control data. recvmsg(2).
    let count =
        check(unsafe { libc::recvmsg(fd.as_fd().as_raw_fd(), &raw mut message, flags) } as i64)? as usize;
    Ok((count, message.msg_flags & libc::MSG_CTRUNC != 0))
}

/// `send`, without waiting and without a signal: says how many bytes it took.
///
/// # Errors
/// As send(2).
pub fn send(fd: impl AsFd, bytes: &[u8]) -> Result<usize> {
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: the kernel reads as many bytes as there are. send(2).
    let count = check(
        unsafe { libc::send(fd.as_fd().as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), flags) } as i64,
    )?;
    Ok(count as usize)
}

/// `recv`, without waiting, of one piece that is thrown away: says whether there was one, and how long it was.
///
/// # Errors
/// As recv(2), but for `EAGAIN`.
pub fn discard(fd: impl AsFd) -> Result<Option<u64>> {
    let mut buffer = [0_u8; 16 * 1024];
    let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
    let (fd, room) = (fd.as_fd().as_raw_fd(), buffer.len());
    // SAFETY: the kernel writes at most as many bytes as the buffer has. With MSG_TRUNC it writes none for TCP, and tells
    // the whole length of a datagram that does not fit. recv(2).
    match check(unsafe { libc::recv(fd, buffer.as_mut_ptr().cast(), room, flags) } as i64) {
        Ok(count) => Ok(Some(count.cast_unsigned())),
        Err(errno) if errno.0 == libc::EAGAIN => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// `SO_PEERCRED`: the process that made the other end, or this one when both were made together.
///
/// # Errors
/// As getsockopt(2).
pub fn peer_process(fd: impl AsFd) -> Result<crate::Tid> {
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    let to = (&raw mut credentials).cast();
    // SAFETY: the kernel writes at most `len` bytes, the size of `credentials`, and the new length. unix(7).
    check(i64::from(unsafe {
        libc::getsockopt(fd.as_fd().as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, to, &raw mut len)
    }))?;
    Ok(crate::Tid(credentials.pid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::UnixStream;

    fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let client = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
        (client, listener.accept().expect("one has connected").0)
    }

    #[test]
    fn sockets_say_what_they_are() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let made = made(&listener).expect("it is a socket");
        let expected = Made {
            family: libc::AF_INET,
            kind: libc::SOCK_STREAM,
            protocol: libc::IPPROTO_TCP,
            listens: true,
        };
        assert_eq!(made, expected);
    }

    #[test]
    fn both_ends_call_an_address_the_same() {
        for address in ["127.0.0.1:0", "[::]:0"] {
            let listener = TcpListener::bind(address).expect("a port");
            let port = listener.local_addr().expect("it is bound").port();
            let client = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
            let (server, _) = listener.accept().expect("a connection");
            let ends =
                [own_address(&server), peer_address(&client), own_address(&client), peer_address(&server)];
            let [here, there, back, forth] = ends.map(|address| address.expect("it is connected").plain());
            assert_eq!((&here, &back), (&there, &forth));
            assert_ne!(here, back);
        }
    }

    #[test]
    fn a_connection_counts_what_goes_through_it() {
        let (mut client, mut server) = connection();
        let before = tcp_counters(&client).expect("it is a connection");
        client.write_all(b"four").expect("it is open");
        let mut four = [0; 4];
        server.read_exact(&mut four).expect("they were sent");
        server.write_all(b"fifty").expect("it is open");
        assert_eq!(peek(&client, &mut [0; 5]).map_err(|errno| errno.0 == libc::EAGAIN), Ok((5, false)));
        let after = tcp_counters(&client).expect("it is a connection");
        assert_eq!(after.state, before.state);
        assert_eq!((after.acknowledged - before.acknowledged, after.received - before.received), (4, 5));
        assert_eq!(unacknowledged(&client), Ok(0));
    }

    #[test]
    fn who_asked_waits_for_an_answer() {
        let (mut client, mut server) = connection();
        let awaits = |fd: &TcpStream| tcp_counters(fd).expect("it is a connection").awaits_answer();
        assert!(awaits(&client), "for a greeting");
        server.write_all(b"welcome").expect("it is open");
        client.read_exact(&mut [0; 7]).expect("they were sent");
        while awaits(&client) {} // both ends came to be just now
        client.write_all(b"question").expect("it is open");
        assert!(awaits(&client));
        server.read_exact(&mut [0; 8]).expect("they were sent");
        assert!(awaits(&client), "that it was read is no answer");
        server.write_all(b"answer").expect("it is open");
        client.read_exact(&mut [0; 6]).expect("they were sent");
        while awaits(&client) {}
        drop(server);
        client.read_exact(&mut [0]).expect_err("that was all");
        assert!(!awaits(&client), "none will come");
    }

    #[test]
    fn what_was_disconnected_and_shut_is_at_its_end() {
        let (mut client, mut server) = connection();
        server.write_all(b"late").expect("it is open");
        shut(&client).expect("it was open");
        disconnect(&client).expect("it is an Internet socket");
        shut(&client).expect("not being connected is fine");
        take_error(&client);
        assert_eq!(client.read(&mut [0; 8]).expect("its end"), 0);
        assert!(client.write(b"x").is_err());
        assert_eq!(server.read(&mut [0; 8]).expect("the other end's end"), 0);
    }

    #[test]
    fn a_disconnected_datagram_socket_gives_up_its_port() {
        let server = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let client = UdpSocket::bind("0.0.0.0:0").expect("a port");
        client.connect(server.local_addr().expect("bound")).expect("no one need be asked");
        let (peer, before) =
            (peer_address(&client).expect("connected"), own_address(&client).expect("bound"));
        disconnect(&client).expect("it is an Internet socket");
        assert!(own_address(&client).expect("a socket").is_wildcard());
        connect(&client, &peer).expect("no one need be asked");
        assert_ne!(own_address(&client).expect("bound"), before);
        assert_eq!(peer_address(&client), Ok(peer));
    }

    #[test]
    fn what_is_discarded_is_counted() {
        let (one, other) = UnixStream::pair().expect("a pair");
        assert_eq!(send(&one, b"seven b"), Ok(7));
        assert!(own_address(&one).expect("a socket").is_unnamed());
        assert_eq!((discard(&other), discard(&other)), (Ok(Some(7)), Ok(None)));
        assert_eq!(peer_process(&one).map(|tid| tid.0 as u32), Ok(std::process::id()));
    }
}
