//! Pairs of Unix sockets of which the process has both ends: what waited in one is put back.
//!
//! In how many pieces it lies is told by the memory that it takes up (`SIOCOUTQ`), and by the room that is left. So it is
//! taken out and put back in one piece at the snapshot, and after every request.

use super::datagrams::are_taken;
use super::{Role, Socket, discard};
use crate::duplicate::Duplicate;
use crate::error::{OrTrouble, Reason, Step};
use crate::report::RestoreReport;
use groundhog_sys::{fcntl, socket};
use std::os::fd::OwnedFd;

/// How much may wait in a pair of the snapshot, to be put back.
const MAX_WAITING: u64 = 1 << 20;

/// How to put back what waited.
#[derive(Debug)]
pub(super) struct Refill {
    contents: Vec<u8>,
    other_end: Duplicate,
    /// How much memory it takes up.
    taken_up: u64,
}

impl Refill {
    /// Takes it out and puts it back; an error is what is wrong with the descriptor.
    pub(super) fn save(fd: &OwnedFd, contents: Vec<u8>, other_end: Duplicate) -> Result<Self, &'static str> {
        let mut refill = Self { contents, other_end, taken_up: 0 };
        take_out(fd, refill.contents.len())?;
        refill.put_back(fd)?;
        refill.taken_up = refill.taken_up_now();
        Ok(refill)
    }

    fn put_back(&self, fd: &OwnedFd) -> Result<(), &'static str> {
        let sent = socket::send(&self.other_end, &self.contents);
        let is_whole = sent == Ok(self.contents.len()) && peek_all(fd).as_ref() == Ok(&self.contents);
        if is_whole { Ok(()) } else { Err("cannot be filled again") }
    }

    fn taken_up_now(&self) -> u64 {
        socket::unacknowledged(&self.other_end).unwrap_or(0)
    }

    /// Whether it waits, as it was put back.
    pub(super) fn is_there(&self, fd: &OwnedFd) -> bool {
        peek_all(fd).as_ref() == Ok(&self.contents) && self.taken_up_now() == self.taken_up
    }
}

/// Takes as many bytes out of a stream.
fn take_out(fd: &OwnedFd, count: usize) -> Result<(), &'static str> {
    let mut left = count as u64;
    while left > 0 {
        match socket::discard(fd) {
            Ok(Some(taken)) if taken > 0 => left = left.saturating_sub(taken),
            _ => return Err("cannot be emptied"),
        }
    }
    Ok(())
}

impl Socket {
    /// Has the kernel name an end now that it would name before the first message which a request sends.
    pub(crate) fn name(&self, fd: &OwnedFd) -> Step<()> {
        let is_named_late =
            matches!(self.role, Role::Pair { packets: true, .. }) && socket::is_told_of_senders(fd);
        if !is_named_late || socket::own_address(fd).is_ok_and(|own| !own.is_unnamed()) {
            return Ok(());
        }
        socket::name_by_kernel(fd).or_trouble(Reason::DescriptorChanged, "naming a socket")
    }

    pub(super) fn revert_pair(&self, fd: &OwnedFd, readable: bool, report: &mut RestoreReport) -> Step<bool> {
        let Role::Pair { packets, refill } = &self.role else { return Ok(false) };
        let packets = *packets;
        match refill {
            // The same bytes may lie in other pieces by now.
            Some(refill) => {
                report.bytes_drained += discard(&self.numbers, fd, !packets)?;
                match refill.put_back(fd) {
                    Ok(()) if refill.is_there(fd) => Ok(false),
                    Ok(()) => self.refuse("takes up other room than at the snapshot"),
                    Err(what) => self.refuse(what),
                }
            }
            None if readable && !self.readable => {
                report.bytes_drained += discard(&self.numbers, fd, !packets)?;
                self.refuse_miscounted(fd).map(|()| true)
            }
            None if readable == self.readable => self.refuse_miscounted(fd).map(|()| false),
            None => self.refuse("is no longer at its end"),
        }
    }

    /// Whether an end for datagrams has sent nothing that waits elsewhere: it sends to whoever is named, too. What waited at its other end
    /// has to be taken out before.
    pub(crate) fn has_all_taken(&self, fd: &OwnedFd) -> Step<bool> {
        if matches!(self.role, Role::Pair { packets: true, .. }) { are_taken(fd) } else { Ok(true) }
    }

    /// A request may have read past a byte out of band itself.
    fn refuse_miscounted(&self, fd: &OwnedFd) -> Step<()> {
        if self.unread_now(fd) == self.unread {
            Ok(())
        } else {
            self.refuse("counts bytes that are not there")
        }
    }
}

/// All bytes that wait in a stream; none when there are too many, or descriptors among them.
pub(super) fn peek_all(fd: &OwnedFd) -> Result<Vec<u8>, ()> {
    let unread = fcntl::waiting_bytes(fd).filter(|unread| *unread <= MAX_WAITING).ok_or(())?;
    let mut bytes = vec![0; unread as usize];
    if bytes.is_empty() {
        return Ok(bytes);
    }
    match socket::peek(fd, &mut bytes) {
        Ok((count, false)) if count == bytes.len() => Ok(bytes),
        _ => Err(()),
    }
}
