//! What threads that are held at their ends have of the state that the kernel keeps: put back later than that of others.

use super::{KernelState, Scope};
use crate::component::{Component, Restore, Stopped};
use crate::error::Step;
use groundhog_sys::Tid;
use std::rc::Rc;

/// Whose of it is put back at a time.
#[derive(Clone, Copy)]
pub(super) enum Whose<'a> {
    /// The process's, and that of all threads but these.
    AllBut(&'a [Tid]),
    /// That of these threads.
    Only(&'a [Tid]),
}

impl Whose<'_> {
    pub(super) fn has(self, scope: Scope, tid: Tid) -> bool {
        match self {
            Self::AllBut(others) => scope == Scope::Process || !others.contains(&tid),
            Self::Only(these) => scope == Scope::EachThread && these.contains(&tid),
        }
    }
}

/// What threads have of it that are held at their ends.
///
/// They can make calls only once memory is put back: the kernel writes to a thread's area for restartable sequences before it goes on, and
/// that may be unmapped by then, or be another's.
#[derive(Debug)]
pub(crate) struct OfHeld(Rc<KernelState>);

impl OfHeld {
    pub(super) fn new(state: Rc<KernelState>) -> Self {
        Self(state)
    }
}

impl Component for OfHeld {
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        let held = restore.held;
        if held.is_empty() { Ok(()) } else { self.0.revert_of(restore, Whose::Only(held)) }
    }

    /// The same as others', who look at all threads.
    fn difference(&mut self, _: &mut Stopped<'_>) -> Step<Option<String>> {
        Ok(None)
    }
}
