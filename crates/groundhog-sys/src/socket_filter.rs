//! `SO_ATTACH_FILTER`: which segments a socket takes; see Documentation/networking/filter.rst.
//!
//! A filter of a TCP socket sees a segment from its header on, which begins with the port of who sent it, and what comes before
//! that from `SKF_NET_OFF` on.

use crate::kernel_types::{Result, check};
use crate::socket;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};

/// `SO_ATTACH_FILTER`: has a socket that is to listen take connections from one address and port alone. What others send is dropped by the
/// kernel, and the program that listens is not told. Connections that wait to be accepted by then stay.
///
/// # Errors
/// As setsockopt(2); `EPERM` where the kernel asks for `CAP_NET_ADMIN` in the socket's network.
///
/// # References
/// socket(7)
pub fn admit_only(listener: impl AsFd, peer: &SocketAddr) -> Result<()> {
    let mut program = program(peer);
    let described = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the kernel reads the structure, and as many instructions as it says there are; both outlive the call. socket(7).
    check(i64::from(unsafe {
        libc::setsockopt(
            listener.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const described).cast(),
            size_of_val(&described) as libc::socklen_t,
        )
    }))
    .map(drop)
}

/// `SO_GET_FILTER`: whether [`admit_only`] holds there.
///
/// # Errors
/// As getsockopt(2).
pub fn admits_only(listener: impl AsFd, peer: &SocketAddr) -> Result<bool> {
    const SO_GET_FILTER: i32 = libc::SO_ATTACH_FILTER;
    let wanted = program(peer);
    let mut found = [statement(0, 0); MAX];
    let mut count = MAX as libc::socklen_t;
    // SAFETY: the kernel writes at most `count` instructions, for which there is room in `found`, and how many there are. The length
    // counts instructions, not bytes: `sk_get_filter` in net/core/filter.c.
    check(i64::from(unsafe {
        libc::getsockopt(
            listener.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            SO_GET_FILTER,
            found.as_mut_ptr().cast(),
            &raw mut count,
        )
    }))?;
    let same = |(one, other): (&libc::sock_filter, &libc::sock_filter)| {
        (one.code, one.jt, one.jf, one.k) == (other.code, other.jt, other.jf, other.k)
    };
    Ok(count as usize == wanted.len() && wanted.iter().zip(&found).all(same))
}

/// Whether this process may do what keeps strangers from a server: guard it, and bind several sockets to one port of its own in turn
/// (`TCP_REPAIR`).
///
/// # Errors
/// As socket(2) and setsockopt(2); `EPERM` without `CAP_NET_ADMIN`.
pub fn try_out() -> Result<()> {
    const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);
    // TCP_REPAIR_ON, TCP_REPAIR_OFF_NO_WP
    const ON_AND_OFF: [i32; 2] = [1, -1];
    let made = socket::unconnected(true)?;
    admit_only(&made, &PEER)?;
    for setting in ON_AND_OFF {
        socket::set_option_bytes(
            &made,
            libc::IPPROTO_TCP as u32,
            libc::TCP_REPAIR as u32,
            &setting.to_ne_bytes(),
        )?;
    }
    Ok(())
}

/// More instructions than any of these programs has.
const MAX: usize = 32;

fn program(peer: &SocketAddr) -> Vec<libc::sock_filter> {
    let words = peer_words(peer);
    let mut program = Vec::with_capacity(MAX);
    let load = |size: u32, at: u32| statement(libc::BPF_LD | size | libc::BPF_ABS, at);
    let version = if peer.is_ipv4() { 0x40 } else { 0x60 };
    // (what is loaded, which bits of it count, what it has to be)
    let mut checks = vec![(load(libc::BPF_B, NETWORK_HEADER), Some(0xf0), version)];
    for (nth, word) in words.iter().enumerate() {
        let at = if peer.is_ipv4() { 12 } else { 8 + 4 * nth as u32 };
        checks.push((load(libc::BPF_W, NETWORK_HEADER + at), None, *word));
    }
    checks.push((load(libc::BPF_H, 0), None, peer.port().into()));
    let mut left: u8 = checks.iter().map(|(_, mask, _)| 2 + u8::from(mask.is_some())).sum();
    for (loaded, mask, wanted) in checks {
        program.push(loaded);
        if let Some(mask) = mask {
            program.push(statement(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, mask));
        }
        left -= 2 + u8::from(mask.is_some());
        // Else on to the last one, over the rest and what takes it.
        let equal = statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, wanted);
        program.push(libc::sock_filter { jf: left + 1, ..equal });
    }
    program.push(statement(libc::BPF_RET | libc::BPF_K, u32::MAX));
    program.push(statement(libc::BPF_RET | libc::BPF_K, 0));
    program
}

/// `SKF_NET_OFF`
const NETWORK_HEADER: u32 = libc::SKF_NET_OFF as u32;

fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

/// An address as a filter loads it.
fn peer_words(peer: &SocketAddr) -> Vec<u32> {
    match peer.ip() {
        IpAddr::V4(address) => vec![address.to_bits()],
        IpAddr::V6(address) => (0..4).rev().map(|nth| (address.to_bits() >> (32 * nth)) as u32).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    /// A client from a port that is known before it connects.
    fn bound(ip: &str) -> (std::os::fd::OwnedFd, SocketAddr) {
        use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};
        let at: SocketAddr = format!("{ip}:0").parse().expect("an address");
        let family = if at.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let made = socket(family, SocketType::STREAM, None).expect("a socket");
        bind(&made, &at).expect("a port");
        let own = SocketAddr::try_from(getsockname(&made).expect("it is bound")).expect("of the Internet");
        (made, own)
    }

    #[test]
    fn only_the_one_that_is_named_comes_in() {
        for (listens, ip) in [
            ("127.0.0.1:0", "127.0.0.1"),
            ("[::1]:0", "[::1]"),
            ("[::]:0", "[::1]"),
            ("0.0.0.0:0", "127.0.0.1"),
        ] {
            let listener = TcpListener::bind(listens).expect("a port");
            let port = listener.local_addr().expect("it is bound").port();
            let (client, own) = bound(ip);
            assert_eq!(admits_only(&listener, &own), Ok(false));
            admit_only(&listener, &own).expect("it listens");
            assert_eq!(admits_only(&listener, &own), Ok(true));
            let moment = Duration::from_millis(50);
            for stranger in ["127.0.0.1", "127.0.0.2", "[::1]"] {
                let to: SocketAddr = format!("{stranger}:{port}").parse().expect("an address");
                assert!(TcpStream::connect_timeout(&to, moment).is_err(), "{stranger} {listens}");
            }
            let to: SocketAddr = format!("{ip}:{port}").parse().expect("an address");
            rustix::net::connect(&client, &to).expect("it is the one");
            assert_eq!(listener.accept().expect("nobody else waits").1, own);
        }
    }
}
