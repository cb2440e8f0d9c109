//! Sockets for messages: what a request sent and got is gone, and answers to it find nobody.

use super::{Address, Moved, Role, Socket, discard_all};
use crate::descriptors::is_taken;
use crate::error::{OrTrouble, Reason, Step};
use crate::report::RestoreReport;
use groundhog_sys::fcntl::Ready;
use groundhog_sys::socket;
use std::os::fd::OwnedFd;

/// Whether the receivers of a Unix socket have read all that it sent: until then its sender can tell how much that is, and may
/// find no room for more.
pub(super) fn are_taken(fd: &OwnedFd) -> Step<bool> {
    is_taken(|| {
        let left = socket::unacknowledged(fd)
            .or_trouble(Reason::Inspection, "asking what a datagram socket has sent")?;
        Ok(left == 0)
    })
}

/// Gives up a port that the kernel chose, and nothing else: the kernel would take the device along.
fn give_up_port(fd: &OwnedFd) -> Step<()> {
    let trouble = "ending what a datagram socket is bound to";
    let device = socket::device(fd);
    socket::disconnect(fd).or_trouble(Reason::DescriptorChanged, trouble)?;
    if device != 0 {
        socket::set_device(fd, device)
            .or_trouble(Reason::DescriptorChanged, "binding it to its device again")?;
    }
    Ok(())
}

/// What it is bound to once it has given up its port; none if that, or its address, is one that it asked for.
fn name_without_port(fd: &OwnedFd) -> Step<Option<Address>> {
    give_up_port(fd)?;
    let own = socket::own_address(fd)
        .or_trouble(Reason::Inspection, "asking what a datagram socket is bound to")?;
    Ok(own.is_wildcard().then_some(own))
}

impl Socket {
    pub(super) fn revert_datagrams(
        &self,
        fd: &OwnedFd,
        ready: Ready,
        moved: Moved<'_>,
        report: &mut RestoreReport,
    ) -> Step<()> {
        let own = socket::own_address(fd).or_trouble(Reason::Inspection, "asking a socket for its name")?;
        let got_name = matches!(self.role, Role::Unbound | Role::Nameless) && !own.is_unnamed();
        let was_used = got_name || self.was_called(moved);
        if was_used && socket::numbers_messages(fd) {
            return self.refuse("numbers its messages, and was used");
        }
        match &self.role {
            Role::Unbound if got_name => give_up_port(fd)?,
            Role::Connected(peer) if was_used => {
                if name_without_port(fd)?.is_none() {
                    return self.refuse("is bound to a name, to which an answer may come late");
                }
                discard_all(&self.numbers, fd)?;
                socket::connect(fd, peer).or_trouble(Reason::DescriptorChanged, "connecting it again")?;
            }
            // What receives is known by its port, which may have been told to others.
            Role::Named if was_used && !ready.readable && !socket::has_received(fd) => {
                let Some(own) = name_without_port(fd)? else {
                    return self.refuse("is bound to a name, to which an answer may come late");
                };
                discard_all(&self.numbers, fd)?;
                socket::bind(fd, &own).or_trouble(Reason::DescriptorChanged, "giving it another port")?;
            }
            Role::Nameless if got_name => {
                return self.refuse("has got a name, to which an answer may come late");
            }
            Role::Named | Role::Other if was_used => {
                return self.refuse("was used, and an answer may come late");
            }
            _ => {}
        }
        // Errors of what was sent may wait where nothing is readable.
        if ready.readable || ready.failed || was_used {
            report.bytes_drained += discard_all(&self.numbers, fd)?;
        }
        if matches!(self.role, Role::Nameless) && !are_taken(fd)? {
            return self.refuse("has sent what its receiver has not read");
        }
        self.refuse_traces(fd)
    }

    /// Takes what waits in a socket that is left as it is, whatever went through it: messages, and errors, which hold what
    /// was sent.
    pub(super) fn keep_datagrams(
        &self,
        fd: &OwnedFd,
        moved: Moved<'_>,
        report: &mut RestoreReport,
    ) -> Step<()> {
        if self.was_called(moved) && socket::numbers_messages(fd) {
            return self.refuse("numbers its messages, and was used");
        }
        report.bytes_drained += discard_all(&self.numbers, fd)?;
        self.refuse_traces(fd)
    }

    fn refuse_traces(&self, fd: &OwnedFd) -> Step<()> {
        if socket::peer_address(fd).ok() != self.peer {
            return self.refuse("is no longer connected: it was used after its receiver had ended");
        }
        if socket::traces(fd) == self.traces {
            Ok(())
        } else {
            self.refuse("keeps a trace of messages: a count, or a processor")
        }
    }
}
