//! A network namespace that was just made: its loopback interface, and what its kernel would remember of connections.

use crate::kernel_types::{Errno, Result, Tid, check};
use crate::scheduling;
use rustix::fs::{Mode, OFlags};
use std::ffi::CStr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Settings of the namespace, of ip-sysctl.rst in the kernel's documentation. Connections that have ended would be listed
/// for a minute (`TIME_WAIT`), and what was measured of them for an hour: addresses of the function's own choice, in its
/// next request's sight. The key by which it would open connections in one go is made when it is first needed; it is never used.
const FORGETFUL: [(&CStr, &CStr); 4] = [
    (c"/proc/sys/net/ipv4/tcp_max_tw_buckets", c"0"),
    (c"/proc/sys/net/ipv4/tcp_no_metrics_save", c"1"),
    (c"/proc/sys/net/ipv4/tcp_fastopen", c"0"),
    (c"/proc/sys/net/ipv4/tcp_fastopen_key", c"00000000-00000000-00000000-00000001"),
];
/// Likewise, of kernels that have it (Linux 6.12): after a connection that took long, those that are to have several paths would do
/// without for an hour.
const FORGETFUL_IF_THERE: (&CStr, &CStr) = (c"/proc/sys/net/mptcp/blackhole_timeout", c"0");

/// Makes the calling thread's namespace usable: connections within it work, and leave nothing. System calls only: for a
/// child between fork and exec, as long as it has the namespace's capabilities.
///
/// # Errors
/// Of whichever call was refused: `EROFS` where `/proc/sys` is read-only, as in most containers.
pub(crate) fn begin() -> Result<()> {
    for setting in FORGETFUL {
        set(setting)?;
    }
    match set(FORGETFUL_IF_THERE) {
        Ok(()) | Err(Errno(libc::ENOENT)) => {}
        refused => return refused,
    }
    raise_loopback()?;
    name_neighbour(libc::AF_INET as u8, &[0; 4])?;
    // Not every machine has IPv6, and one without it has nothing to remember.
    let _without_ipv6 = name_neighbour(libc::AF_INET6 as u8, &std::net::Ipv6Addr::LOCALHOST.octets());
    copy_routes()
}

/// The port of those of [`caller`]: nobody in the namespace may bind one of that kind, which takes a capability.
const CALLER_PORT: u16 = 1;

/// A socket of the calling thread's namespace, bound to its loopback address: whoever is given it may connect to what listens there.
/// Without this version of the Internet protocol it is one that leads nowhere.
///
/// # Errors
/// As socket(2) and bind(2).
pub(crate) fn caller(old: bool) -> Result<OwnedFd> {
    let (v4, v6) = (std::net::Ipv4Addr::LOCALHOST, std::net::Ipv6Addr::LOCALHOST);
    if old {
        let made = socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
        rustix::net::bind(&made, &std::net::SocketAddrV4::new(v4, CALLER_PORT))?;
        return Ok(made);
    }
    let bound = socket(libc::AF_INET6, libc::SOCK_STREAM, 0).and_then(|made| {
        rustix::net::bind(&made, &std::net::SocketAddrV6::new(v6, CALLER_PORT, 0, 0))?;
        Ok(made)
    });
    bound.or_else(|_| socket(libc::AF_INET, libc::SOCK_STREAM, 0))
}

fn set((path, value): (&CStr, &CStr)) -> Result<()> {
    let file = rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    Ok(rustix::io::write(&file, value.to_bytes()).map(drop)?)
}

/// Has the kernel copy the route to the loopback address of IPv6 for every processor that the calling thread may run on: it does so
/// with the first packet there, and counts the copies in what anyone can read (`/proc/net/ipv6_route`).
fn copy_routes() -> Result<()> {
    const OWN: Tid = Tid(0);
    let processors = scheduling::affinity(OWN)?;
    for (at, bits) in processors.iter().enumerate() {
        for bit in (0..8).map(|bit| 1 << bit).filter(|bit| bits & bit != 0) {
            let mut one = [0; scheduling::SET_SIZE];
            one[at] = bit;
            scheduling::set_affinity(OWN, &one)?;
            let _without_ipv6 = look_up_route();
        }
    }
    // All that it may have at all, unless it had less: a set of its own would stay when the machine's changes.
    scheduling::set_affinity(OWN, &[0xff; scheduling::SET_SIZE])?;
    if scheduling::affinity(OWN)? == processors { Ok(()) } else { scheduling::set_affinity(OWN, &processors) }
}

/// A socket that is connected has its route; nothing is sent.
fn look_up_route() -> Result<()> {
    /// `discard`; nobody need be there.
    const PORT: u16 = 9;
    let socket = socket(libc::AF_INET6, libc::SOCK_DGRAM, 0)?;
    let to = std::net::SocketAddrV6::new(std::net::Ipv6Addr::LOCALHOST, PORT, 0, 0);
    Ok(rustix::net::connect(&socket, &to)?)
}

/// Names the neighbour that the kernel would note with the first packet that is sent to an address of the loopback interface, as
/// `ip neigh add ADDRESS lladdr 00:00:00:00:00:00 dev lo nud permanent`; rtnetlink(7). Anyone can list neighbours.
fn name_neighbour(family: u8, address: &[u8]) -> Result<()> {
    /// Of every network namespace (`LOOPBACK_IFINDEX`).
    const LOOPBACK: i32 = 1;
    const NDA_DST: u16 = 1;
    const NDA_LLADDR: u16 = 2;
    const WANTED: i32 = libc::NLM_F_REQUEST | libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_REPLACE;
    const HEADER: usize = 16;
    // Beyond that: struct ndmsg, and two attributes in whole words.
    let length = HEADER + 12 + 4 + address.len() + 4 + 8;
    let mut message = [0; HEADER + 12 + 4 + 16 + 4 + 8];
    let mut end = 0;
    let mut put = |bytes: &[u8]| {
        message[end..end + bytes.len()].copy_from_slice(bytes);
        end += bytes.len();
    };
    put(&(length as u32).to_ne_bytes());
    put(&libc::RTM_NEWNEIGH.to_ne_bytes());
    put(&(WANTED as u16).to_ne_bytes());
    put(&[0; 8]); // number and sender
    put(&[family, 0, 0, 0]);
    put(&LOOPBACK.to_ne_bytes());
    put(&libc::NUD_PERMANENT.to_ne_bytes());
    put(&[0; 2]); // flags and type
    put(&(4 + address.len() as u16).to_ne_bytes());
    put(&NDA_DST.to_ne_bytes());
    put(address);
    put(&(4 + 6_u16).to_ne_bytes());
    put(&NDA_LLADDR.to_ne_bytes());

    let socket = socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE)?;
    rustix::io::write(&socket, &message[..length])?;
    let mut reply = [0; 256];
    let read = rustix::io::read(&socket, &mut reply)?;
    let error = reply[..read].get(HEADER..HEADER + 4).and_then(|error| error.try_into().ok());
    match error.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(error) => Err(Errno(-error)),
        None => Err(Errno(libc::EBADMSG)),
    }
}

/// As `ip link set lo up`, which gives it its addresses, too; netdevice(7).
fn raise_loopback() -> Result<()> {
    // Of any family: the calls on interfaces are common to all.
    let socket = socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0)?;
    // SAFETY: all zeros are a valid `struct ifreq`, a name and a union of numbers.
    let mut interface: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, letter) in interface.ifr_name.iter_mut().zip(c"lo".to_bytes()) {
        *place = letter.cast_signed();
    }
    // SAFETY: the kernel reads and writes a `struct ifreq` that lives here.
    check(i64::from(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut interface) }))?;
    // SAFETY: the call above filled in this member of the union.
    unsafe { interface.ifr_ifru.ifru_flags |= libc::IFF_UP as libc::c_short };
    // SAFETY: the kernel reads a `struct ifreq` that lives here.
    check(i64::from(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const interface) }))?;
    Ok(())
}

/// A socket of the calling thread's namespace, closed on exec.
pub(crate) fn socket(family: i32, kind: i32, protocol: i32) -> Result<OwnedFd> {
    // SAFETY: socket(2) takes three numbers.
    let number = check(i64::from(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) }))?;
    let number = i32::try_from(number).map_err(|_| Errno(libc::EBADF))?;
    // SAFETY: the kernel just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}
