//! Messages with more than bytes: a process that sends a descriptor to itself has a duplicate that no call made.

use super::number_of;
use groundhog_sys::Tid;
use groundhog_sys::ptrace::Registers;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// `struct msghdr`: its size, and where the length of its control data stands.
const HEADER: usize = 56;
const CONTROL_LENGTH: usize = 40;
/// `struct mmsghdr`: that, a count, and what aligns it.
const HEADER_OF_MANY: usize = 64;
/// `UIO_MAXIOV`: the kernel sends no more at a time.
const MOST: u64 = 1024;

const SENDMSG: i64 = 46;
const SENDMMSG: i64 = 307;

/// Whether a call that a stopped thread is about to make sends control data, or cannot be told not to.
pub(crate) fn is_sent(registers: &Registers, caller: Tid) -> bool {
    let (count, size) = match number_of(registers) {
        SENDMSG => (1, HEADER),
        SENDMMSG => ((registers.rdx & 0xffff_ffff).min(MOST), HEADER_OF_MANY),
        _ => return false,
    };
    let mut headers = vec![0; count as usize * size];
    let read = File::open(format!("/proc/{caller}/mem"))
        .and_then(|memory| memory.read_exact_at(&mut headers, registers.rsi));
    let sends = |header: &[u8]| header[CONTROL_LENGTH..CONTROL_LENGTH + 8].iter().any(|byte| *byte != 0);
    // What cannot be read is not sent, either; but what can be read by then may be.
    read.is_err() || headers.chunks(size).any(sends)
}
