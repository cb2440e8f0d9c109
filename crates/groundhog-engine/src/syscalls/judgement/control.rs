//! Messages with more than bytes: a process that sends a descriptor to itself has a duplicate that no call made.

use super::Call;
use groundhog_sys::ptrace::Registers;
use groundhog_sys::{Tid, pidfd, socket};
use std::fs::File;
use std::os::unix::fs::FileExt;
use syscalls::Sysno;

/// `struct msghdr`: its size, and where the length of its control data stands.
const HEADER: usize = 56;
const CONTROL_LENGTH: usize = 40;
/// `struct mmsghdr`: that, a count, and what aligns it.
const HEADER_OF_MANY: usize = 64;
/// `UIO_MAXIOV`: the kernel sends no more at a time.
const MOST: u64 = 1024;
const AF_UNIX: i32 = 1;

/// Whether a call that a stopped thread is about to make sends descriptors, or cannot be told not to.
pub(super) fn is_sent(number: Sysno, registers: &Registers, call: &Call<'_>) -> bool {
    let (count, size) = match number {
        Sysno::sendmsg => (1, HEADER),
        Sysno::sendmmsg => ((registers.rdx & 0xffff_ffff).min(MOST), HEADER_OF_MANY),
        _ => return false,
    };
    if !may_carry(call.group, registers.rdi as i32) {
        return false;
    }
    let mut headers = vec![0; count as usize * size];
    let read = File::open(format!("/proc/{}/mem", call.caller))
        .and_then(|memory| memory.read_exact_at(&mut headers, registers.rsi));
    let sends = |header: &[u8]| header[CONTROL_LENGTH..CONTROL_LENGTH + 8].iter().any(|byte| *byte != 0);
    // What cannot be read is not sent, either; but what can be read by then may be. So may what somebody else writes there.
    read.is_err() || !call.is_alone || headers.chunks(size).any(sends)
}

/// Only Unix sockets carry descriptors.
fn may_carry(process: Tid, number: i32) -> bool {
    let socket = pidfd::open(process).and_then(|process| pidfd::duplicate_fd(&process, number));
    match socket {
        Ok(socket) => socket::made(&socket).is_ok_and(|made| made.family == AF_UNIX),
        // Not open: nothing is sent.
        Err(errno) => errno != groundhog_sys::Errno(9),
    }
}
