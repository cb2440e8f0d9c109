//! What the session is told of the process while it runs, judged call by call.

use super::listeners;
use crate::syscalls::judgement::{self, Call, Facts};
use crate::syscalls::observed::Observed;
use crate::trace::inspect;
use crate::trace::process::{Observer, StoppedCall};
use groundhog_sys::{Errno, Tid};
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use syscalls::Sysno;

/// What judging needs, and what it found; shared by the process, which tells, and the session, which asks.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) facts: Facts,
    pub(super) observed: Observed,
    /// Who may connect to where it listens; none: everybody.
    pub(super) admitted: Vec<SocketAddr>,
}

/// The session's ear at the process.
#[derive(Debug)]
pub(super) struct Listener(pub(super) Rc<RefCell<Watch>>);

impl Observer for Listener {
    fn see(&mut self, stop: &StoppedCall<'_>) -> Option<Errno> {
        let Watch { facts, observed, admitted } = &mut *self.0.borrow_mut();
        if !admitted.is_empty()
            && let Some(registers) = &stop.registers
            && registers.orig_rax == u64::from(Sysno::listen as u32)
            && let Err(errno) = listeners::guard(stop.group, registers.rdi as i32, admitted)
        {
            return Some(errno);
        }
        let call = Call {
            caller: stop.caller,
            group: stop.group,
            process: stop.process,
            is_ours: stop.is_ours,
            is_new: stop.is_new,
            is_alone: stop.is_alone,
            has_children: stop.has_children,
            is_private: &|(start, end)| inspect::is_private(stop.caller, start, end),
            is_anonymous: &|(start, end)| inspect::is_anonymous(stop.caller, start, end),
            message: stop.message,
            is_thread: stop.is_thread,
            is_descendant: stop.is_descendant,
        };
        judgement::judge(&call, stop.registers.as_ref(), facts, observed)
    }

    fn note_delivery(&mut self, signal: i32) {
        // It may set the action to the default one (SA_RESETHAND).
        self.0.borrow_mut().observed.actions |= 1 << (signal - 1);
    }

    fn note_interruption(&mut self, thread: Tid) {
        self.0.borrow_mut().facts.interrupted.insert(thread);
    }

    fn note_killed_descendant(&mut self) {
        // The kernel may have written a core dump for it.
        self.0.borrow_mut().observed.files = true;
    }
}
