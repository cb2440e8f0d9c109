//! Giving the process descriptors of ours: it may not fetch any itself, so they are sent to it (`SCM_RIGHTS`, unix(7)).

use crate::arch::call;
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::trace::remote_syscall::Remote;
use groundhog_sys::{RemoteAddr, open_file, pidfd};
use std::os::fd::BorrowedFd;

const AF_UNIX: u64 = 1;
const SOCK_DGRAM: u64 = 2;
const SOCK_CLOEXEC: u64 = 0o2_000_000;
const MSG_DONTWAIT: u64 = 0x40;
const MSG_CMSG_CLOEXEC: u64 = 0x4000_0000;
const F_DUPFD_CLOEXEC: u64 = 1030;
/// `struct msghdr`, `struct iovec`, the byte that is sent, and `struct cmsghdr`.
const HEADER: usize = 56;
const VECTOR: usize = 16;
const BYTE: usize = 8;
const CONTROL_HEADER: usize = 16;

/// Gives it these, close-on-exec, under numbers from `above` on, in their order.
#[expect(clippy::disallowed_methods, reason = "no other function has the socket, or is at its other end")]
pub(crate) fn pass(remote: &mut Remote<'_>, fds: &[BorrowedFd<'_>], above: u64) -> Step<Vec<i32>> {
    let room = remote.put(&[0; 8])?;
    let arguments = [AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, room.0, 0, 0];
    remote.must("socketpair", call::SOCKETPAIR, arguments)?;
    let mut pair = [0; 8];
    remote.get(room, &mut pair)?;
    let [here, there] =
        [0, 4].map(|at| u64::from(u32::from_le_bytes([0, 1, 2, 3].map(|byte| pair[at + byte]))));
    let ours = pidfd::duplicate_fd(&*remote.process().pidfd, here as i32)
        .or_trouble(Reason::Inspection, "duplicating its descriptors")?;
    close(remote, here)?;
    let mut passed = Vec::with_capacity(fds.len());
    for some in fds.chunks(open_file::MAX_PASSED) {
        open_file::pass(&ours, some).or_trouble(Reason::DescriptorChanged, "passing descriptors")?;
        for got in receive(remote, there, some.len())? {
            let moved = remote.must("fcntl", call::FCNTL, [got, F_DUPFD_CLOEXEC, above, 0, 0, 0])?;
            close(remote, got)?;
            passed.push(moved as i32);
        }
    }
    close(remote, there)?;
    Ok(passed)
}

fn close(remote: &mut Remote<'_>, number: u64) -> Step<()> {
    remote.must("close", call::CLOSE, [number, 0, 0, 0, 0, 0]).map(drop)
}

/// Lets it receive a message with so many descriptors; their numbers.
fn receive(remote: &mut Remote<'_>, socket: u64, count: usize) -> Step<Vec<u64>> {
    let control = CONTROL_HEADER + (count * 4).next_multiple_of(8);
    let len = HEADER + VECTOR + BYTE + control;
    let at = remote.scratch(len as u64)?.0;
    let mut bytes = vec![0; len];
    let mut write =
        |offset: usize, value: u64| bytes[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
    write(16, at + HEADER as u64); // msg_iov
    write(24, 1);
    write(32, at + (HEADER + VECTOR + BYTE) as u64); // msg_control
    write(40, control as u64);
    write(HEADER, at + (HEADER + VECTOR) as u64);
    write(HEADER + 8, 1);
    remote.put(&bytes)?;
    let flags = MSG_CMSG_CLOEXEC | MSG_DONTWAIT;
    remote.must("recvmsg", call::RECVMSG, [socket, at, flags, 0, 0, 0])?;
    remote.get(RemoteAddr(at), &mut bytes)?;
    let data = &bytes[HEADER + VECTOR + BYTE..];
    let told = u64::from_le_bytes(data[..8].try_into().unwrap_or_default());
    if told != (CONTROL_HEADER + count * 4) as u64 {
        let message = format!("of {count} descriptors not all could be passed");
        return Err(Trouble::Refused(Reason::DescriptorChanged, message));
    }
    let numbers = data[CONTROL_HEADER..].as_chunks::<4>().0;
    Ok(numbers[..count].iter().map(|number| u32::from_le_bytes(*number).into()).collect())
}
