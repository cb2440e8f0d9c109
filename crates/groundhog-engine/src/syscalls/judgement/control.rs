//! Messages with more than bytes: a process that sends a descriptor to itself has a duplicate that no call made, and whoever else
//! gets one has a hand in what it leads to, for as long as he likes.

use super::{Call, Facts};
use crate::duplicate::Duplicate;
use groundhog_sys::fcntl;
use groundhog_sys::ptrace::Registers;
use groundhog_sys::{Errno, Tid, kcmp, pidfd, socket};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use syscalls::Sysno;

/// `struct msghdr`: its size, and where its control data stands, and how long that is.
const HEADER: usize = 56;
const CONTROL: usize = 32;
const CONTROL_LENGTH: usize = 40;
/// `struct mmsghdr`: that, a count, and what aligns it.
const HEADER_OF_MANY: usize = 64;
/// `UIO_MAXIOV`: the kernel sends no more at a time.
const MOST: u64 = 1024;
/// More control data than this is not looked into: the kernel takes 253 descriptors at a time.
const MOST_CONTROL: u64 = 4096;
/// Nor are more messages that have some: for each of their descriptors all of the snapshot's are looked at, while nothing else is done.
const MOST_WITH_CONTROL: usize = 4;
/// `struct cmsghdr`, to which the data of each is aligned.
const CONTROL_HEADER: usize = 16;
const AF_UNIX: i32 = 1;
const AF_NETLINK: i32 = 16;
const SOCK_DGRAM: i32 = 2;
const SOL_SOCKET: i32 = 1;
const SCM_RIGHTS: i32 = 1;
const EBADF: Errno = Errno(9);

/// Whether a call that a stopped thread is about to make hands on a descriptor that a later request could be reached by, or cannot be
/// told not to.
pub(super) fn is_sent(number: Sysno, registers: &Registers, call: &Call<'_>, facts: &Facts) -> bool {
    let (count, size) = match number {
        Sysno::sendmsg => (1, HEADER),
        Sysno::sendmmsg => ((registers.rdx & 0xffff_ffff).min(MOST), HEADER_OF_MANY),
        _ => return false,
    };
    let through = match duplicate(call, registers.rdi as i32) {
        // Only Unix sockets carry descriptors.
        Ok(Some(file)) if !socket::made(&file).is_ok_and(|made| made.family == AF_UNIX) => return false,
        Ok(Some(file)) => file,
        // Not open: nothing is sent.
        Ok(None) => return false,
        Err(_) => return true,
    };
    let Ok(memory) = File::open(format!("/proc/{}/mem", call.caller)) else { return true };
    let mut headers = vec![0; count as usize * size];
    let headers_end = registers.rsi.saturating_add(headers.len() as u64);
    // Before it is read: whoever writes there after that and ends has written what nobody has seen. Out of a jail a child may write
    // to the memory of others under /proc.
    if !(call.is_alone)() || (call.has_children && !facts.is_jailed) {
        return true;
    }
    // What cannot be read is not sent, either; but what can be read by then may be.
    if !stays(call, registers.rsi, headers.len())
        || memory.read_exact_at(&mut headers, registers.rsi).is_err()
    {
        return true;
    }
    // In a socket of the snapshot the message would wait for a later request.
    let may_wait = is_of_snapshot(&through, facts);
    let is_kept = || may_wait || !is_received_by_own(&through, call);
    let with_control = |header: &&[u8]| word(header, CONTROL_LENGTH) != 0;
    if headers.chunks(size).filter(with_control).count() > MOST_WITH_CONTROL {
        return true;
    }
    !headers.chunks(size).filter(with_control).all(|header| {
        let (at, length) = (word(header, CONTROL), word(header, CONTROL_LENGTH));
        let mut control = vec![0; length.min(MOST_CONTROL) as usize];
        !is_kept()
            && length <= MOST_CONTROL
            // The kernel writes there how much of the messages before it has sent.
            && (at >= headers_end || at.saturating_add(length) <= registers.rsi)
            && stays(call, at, control.len())
            && memory.read_exact_at(&mut control, at).is_ok()
            && descriptors(&control)
                .is_some_and(|sent| sent.into_iter().all(|number| is_harmless(call, number, facts)))
    })
}

/// Whether what is sent through a descriptor is for the kernel.
pub(super) fn asks_kernel(call: &Call<'_>, number: i32) -> bool {
    let is_netlink = |file: &Duplicate| socket::made(file).is_ok_and(|made| made.family == AF_NETLINK);
    matches!(duplicate(call, number), Ok(Some(file)) if is_netlink(&file))
}

/// Whether what is sent reaches the process itself or a descendant, which end with all that they have. A process outside would keep it:
/// it listens to whatever comes through a pipe of the snapshot that the request has opened anew, and has the request's network and user
/// by a socket.
fn is_received_by_own(through: &OwnedFd, call: &Call<'_>) -> bool {
    // One for datagrams sends to whoever is named, and is connected anew without a word on that.
    let is_stream = || socket::made(through).is_ok_and(|made| made.kind != SOCK_DGRAM);
    // Its number is no one else's as long as it is there.
    let is_there = || pidfd::of_peer(through).is_ok_and(|peer| !pidfd::has_ended(&peer));
    let is_own = |peer| peer == call.process || (call.is_descendant)(peer);
    is_stream() && socket::peer_process(through).is_ok_and(is_own) && is_there()
}

/// The eight bytes at a place.
fn word(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map_or(u64::MAX, u64::from_ne_bytes)
}

/// Whether only those who have the memory of the caller can write there: what is mapped of a file shows what is written to that.
fn stays(call: &Call<'_>, start: u64, length: usize) -> bool {
    start.checked_add(length as u64).is_some_and(|end| (call.is_anonymous)((start, end)))
}

/// The descriptors in control data; none where it holds something else, or cannot be understood.
fn descriptors(control: &[u8]) -> Option<Vec<i32>> {
    let mut all = Vec::new();
    let mut rest = control;
    while rest.len() >= CONTROL_HEADER {
        let length = usize::try_from(word(rest, 0))
            .ok()
            .filter(|length| (CONTROL_HEADER..=rest.len()).contains(length))?;
        let number = |bytes: &[u8]| bytes.try_into().map(i32::from_ne_bytes).ok();
        let (level, kind) = (number(&rest[8..12])?, number(&rest[12..16])?);
        if (level, kind) != (SOL_SOCKET, SCM_RIGHTS) {
            return None;
        }
        for four in rest[CONTROL_HEADER..length].chunks_exact(4) {
            all.push(number(four)?);
        }
        rest = rest.get(length.next_multiple_of(8)..).unwrap_or_default();
    }
    Some(all)
}

/// Whether a descriptor may go to others that end, too: it is a pipe or a socket that the snapshot does not have.
///
/// A Unix socket need not: one that waits in itself, with whatever else waits there, is there until the kernel looks for such
/// circles, which is later and at somebody else's occasion.
fn is_harmless(call: &Call<'_>, number: i32, facts: &Facts) -> bool {
    match duplicate(call, number) {
        Ok(Some(file)) => {
            (fcntl::is_unnamed_pipe(&file) || socket::made(&file).is_ok_and(|made| made.family != AF_UNIX))
                && !is_of_snapshot(&file, facts)
        }
        // Not open: the call fails.
        Ok(None) => true,
        Err(_) => false,
    }
}

/// What the caller has under a number; none where it is not open. It is a function's however short it is there: another function's
/// snapshot, taken in that moment, must not count it as this process's own.
fn duplicate(call: &Call<'_>, number: i32) -> groundhog_sys::Result<Option<Duplicate>> {
    let pidfd = pidfd::open(call.group)?;
    match Duplicate::of(&pidfd, number) {
        // Before Linux 6.8 so is everything once the first thread has ended; the caller has it all the same.
        Err(EBADF) => match kcmp::same_open_file(call.caller, number, pidfd.as_fd()) {
            Err(EBADF) => Ok(None),
            _ => Err(EBADF),
        },
        found => found.map(Some),
    }
}

/// Whether it is an open file of the snapshot, or cannot be told not to be.
fn is_of_snapshot(file: &OwnedFd, facts: &Facts) -> bool {
    let ours = Tid(std::process::id().cast_signed());
    let is = |original: &OwnedFd| kcmp::same_open_file(ours, file.as_raw_fd(), original.as_fd()) != Ok(false);
    facts.originals.iter().any(|(_, original)| is(original))
}
