//! `sock_diag(7)`: which socket a Unix socket is connected to.

use crate::kernel_types::{Errno, Result, check};
use crate::network;
use std::os::fd::{AsRawFd, OwnedFd};

const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST`
const REQUEST: u16 = 1;
const NLMSG_ERROR: u16 = 2;
/// `UDIAG_SHOW_PEER` (`linux/unix_diag.h`)
const SHOW_PEER: u32 = 4;
/// `UNIX_DIAG_PEER` (`linux/unix_diag.h`)
const PEER: u16 = 2;
/// `INET_DIAG_NOCOOKIE`
const NO_COOKIE: u32 = !0;
/// `struct nlmsghdr`, and what comes behind it: `struct unix_diag_req`, `struct unix_diag_msg`.
const HEADER: usize = 16;
const QUESTION: usize = 24;
const ANSWER: usize = 16;

/// A socket that is asked about those of the network namespace in which it is made.
///
/// # Errors
/// As socket(2).
pub fn open() -> Result<OwnedFd> {
    network::socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_SOCK_DIAG)
}

/// The inode number of what the Unix socket with this inode number is connected to; none when to nothing.
///
/// # Errors
/// `ENOENT` when there is no such socket in the network namespace of `asked` or the kernel cannot tell.
pub fn unix_peer(asked: &OwnedFd, inode: u64) -> Result<Option<u64>> {
    let inode = u32::try_from(inode).map_err(|_| Errno(libc::ENOENT))?;
    crate::socket::send(asked, &question(inode))?;
    let mut answer = [0_u8; 4096];
    // SAFETY: the kernel writes at most as many bytes as the buffer has. recv(2).
    let count =
        check(unsafe { libc::recv(asked.as_raw_fd(), answer.as_mut_ptr().cast(), answer.len(), 0) } as i64)?;
    peer_in(&answer[..(count as usize).min(answer.len())])
}

/// Asks about a pair of this process.
///
/// # Errors
/// The first error met; `EIO` when the answer is wrong.
pub fn try_out() -> Result<()> {
    let (one, other) = std::os::unix::net::UnixStream::pair().map_err(crate::folder::from_io)?;
    let found = unix_peer(&open()?, crate::fcntl::inode(&one)?)?;
    if found == Some(crate::fcntl::inode(&other)?) { Ok(()) } else { Err(Errno(libc::EIO)) }
}

fn question(inode: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + QUESTION);
    bytes.extend(((HEADER + QUESTION) as u32).to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(REQUEST.to_ne_bytes());
    bytes.extend([0; 8]); // sequence and port
    bytes.extend([libc::AF_UNIX as u8, 0, 0, 0]);
    for word in [!0, inode, SHOW_PEER, NO_COOKIE, NO_COOKIE] {
        bytes.extend(u32::to_ne_bytes(word));
    }
    bytes
}

fn peer_in(answer: &[u8]) -> Result<Option<u64>> {
    let malformed = Errno(libc::EPROTO);
    let word =
        |at: usize| answer.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_ne_bytes);
    let half =
        |at: usize| answer.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes);
    match half(4) {
        Some(NLMSG_ERROR) => return Err(word(HEADER).map_or(malformed, |code| Errno(-code.cast_signed()))),
        Some(SOCK_DIAG_BY_FAMILY) => {}
        _ => return Err(malformed),
    }
    let mut at = HEADER + ANSWER;
    while let (Some(len), Some(kind)) = (half(at), half(at + 2)) {
        if kind == PEER {
            return word(at + 4).map(|inode| Some(u64::from(inode))).ok_or(malformed);
        }
        at += (len as usize).max(4).next_multiple_of(4);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_end_of_a_pair() {
        // ENOENT: a kernel that keeps this in a module that is not there.
        assert!(matches!(try_out(), Ok(()) | Err(Errno(libc::ENOENT))));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        assert_eq!(peer_in(&[0; 8]), Err(Errno(libc::EPROTO)));
        let mut refusal = vec![0; HEADER];
        refusal[4] = NLMSG_ERROR as u8;
        refusal.extend((-libc::ENOENT).to_ne_bytes());
        assert_eq!(peer_in(&refusal), Err(Errno(libc::ENOENT)));
    }
}
