//! Timers that send signals, once more: those that were armed count down while the rest is put back. Where that took long, one that was
//! to go off once would have done so unheard.

use super::KernelState;
use crate::component::{Component, Restore, Stopped};
use crate::error::Step;
use std::rc::Rc;
use std::time::Duration;

/// What a restore may have taken until now for its timers to count as set just before.
const SHORT: Duration = Duration::from_millis(1);

/// Those that were armed at the snapshot.
#[derive(Debug)]
pub(crate) struct ArmedTimers(Rc<KernelState>);

impl ArmedTimers {
    pub(super) fn new(state: Rc<KernelState>) -> Self {
        Self(state)
    }
}

impl Component for ArmedTimers {
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        if self.0.has_timers_armed() && restore.watch.has_taken(SHORT) {
            self.0.arm_again(&mut restore.stopped)?;
        }
        Ok(())
    }

    /// The same as others', who look at all timers.
    fn difference(&mut self, _: &mut Stopped<'_>) -> Step<Option<String>> {
        Ok(None)
    }
}
