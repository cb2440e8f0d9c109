//! Epoll sets: what a request added, removed or changed in one is put back, by calls of the process itself; and what a set
//! has ready, which with edges is more than what can be read from its targets.

use super::survey::Survey;
use crate::arch::call;
use crate::component::{Component, Restore, Stopped};
use crate::duplicate::Duplicate;
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::trace::inspect;
use crate::trace::remote_syscall::{Remote, SCRATCH_SIZE};
use groundhog_proc::fdinfo::{self, Target};
use groundhog_sys::fcntl;
use std::collections::BTreeSet;
use std::sync::Arc;

const EPOLL_CTL_ADD: u64 = 1;
const EPOLL_CTL_DEL: u64 = 2;
const EPOLL_CTL_MOD: u64 = 3;
/// `struct epoll_event`, which is packed.
const EVENT: usize = 12;
/// Most events that can be taken from a set at once: those that the memory for arguments holds. In two parts they could not be
/// taken, since what is ready by its level is told again.
const MAX_EVENTS: usize = SCRATCH_SIZE as usize / EVENT;

#[derive(Debug)]
struct Set {
    number: i32,
    duplicate: Arc<Duplicate>,
    targets: Vec<Target>,
    /// The data of the events that it had ready, each once, in the order in which it tells of them.
    ready: Vec<u64>,
    /// Its members wait at their files in the order in which they stand here. Events come to them in that order.
    is_ordered: bool,
}

/// The epoll sets of the snapshot.
#[derive(Debug)]
pub(crate) struct EpollSets(Vec<Set>);

impl EpollSets {
    /// Remembers what they watch, and what they have ready.
    pub(crate) fn save(stopped: &mut Stopped<'_>, survey: &Survey) -> Step<Self> {
        let mut sets = Vec::new();
        for file in survey.files.iter().filter(|file| file.name.contains("eventpoll")) {
            let mut set = Set {
                number: file.number,
                duplicate: Arc::clone(&file.duplicate),
                targets: targets(&file.info)?,
                ready: Vec::new(),
                is_ordered: false,
            };
            if set.has_ready()? {
                let mut remote = stopped.remote()?;
                set.ready = set.take_ready(&mut remote)?;
            }
            sets.push(set);
        }
        Ok(Self(sets))
    }

    /// Puts the members of all of them in order at the files that they wait at, where that can be done.
    pub(crate) fn order(&mut self, stopped: &mut Stopped<'_>) -> Step<()> {
        for set in &mut self.0 {
            set.is_ordered = set.order_members(&mut stopped.remote()?)?;
        }
        Ok(())
    }

    /// Has each have ready again what it had, after what waits in its targets was taken out and put back.
    pub(crate) fn settle(&self, stopped: &mut Stopped<'_>) -> Step<()> {
        for set in &self.0 {
            if set.has_ready()? || !set.ready.is_empty() {
                let mut remote = stopped.remote()?;
                set.take_ready(&mut remote)?;
                set.make_ready(&mut remote)?;
            }
        }
        Ok(())
    }
}

impl Component for EpollSets {
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        // All of them, whatever was seen: targets with one shot give up with no call that says so, and what was added under a
        // number of the request's own stays where somebody else has the file open, too.
        for set in &self.0 {
            set.revert_members(&mut restore.stopped)?;
        }
        if restore.observed.rearranged {
            self.order(&mut restore.stopped)?;
            if let Some(set) = self.0.iter().find(|set| !set.is_ordered) {
                let what = "is an epoll set whose members may wait in another order than at the snapshot";
                return super::refuse(set.number, what);
            }
        }
        self.settle(&mut restore.stopped)
    }

    fn difference(&mut self, stopped: &mut Stopped<'_>) -> Step<Option<String>> {
        for set in &self.0 {
            if targets(&inspect::fdinfo(stopped.process.pid, set.number)?)? != set.targets {
                return Ok(Some(format!("descriptor {}, an epoll set: its members changed", set.number)));
            }
        }
        Ok(None)
    }
}

impl Set {
    fn has_ready(&self) -> Step<bool> {
        let readable = fcntl::readable(std::iter::once(&*self.duplicate))
            .or_trouble(Reason::Inspection, "polling its descriptors")?;
        Ok(readable[0])
    }

    /// Takes all edges from it; what is ready by its level stays so. Answers the data of what it told, each once.
    fn take_ready(&self, remote: &mut Remote<'_>) -> Step<Vec<u64>> {
        let room = remote.scratch((MAX_EVENTS * EVENT) as u64)?;
        let arguments = [self.number as u64, room.0, MAX_EVENTS as u64, 0, 0, 0];
        let count = remote.must("epoll_wait", call::EPOLL_WAIT, arguments)? as usize;
        if count >= MAX_EVENTS {
            let what =
                format!("is an epoll set with {MAX_EVENTS} events or more, of which some would be left");
            return super::refuse(self.number, &what);
        }
        let mut events = vec![0; count * EVENT];
        remote.get(room, &mut events)?;
        let data = |event: &[u8; EVENT]| u64::from_le_bytes(std::array::from_fn(|at| event[4 + at]));
        // All targets with the same data are made ready together.
        let mut told = BTreeSet::new();
        Ok(events.as_chunks::<EVENT>().0.iter().map(data).filter(|data| told.insert(*data)).collect())
    }

    /// Has it tell again of what it had ready at the snapshot, in that order: what tells once, tells again, and what has told
    /// goes to the end of the line.
    fn make_ready(&self, remote: &mut Remote<'_>) -> Step<()> {
        for data in &self.ready {
            for target in self.targets.iter().filter(|target| target.data == *data) {
                control(remote, self.number, EPOLL_CTL_DEL, target)?;
                control(remote, self.number, EPOLL_CTL_ADD, target)?;
            }
        }
        Ok(())
    }

    /// Adds its members one after the other. False where it has some that cannot be added as they are: those that have told once,
    /// and those whose number does not stand for them; and where that would take too long.
    fn order_members(&self, remote: &mut Remote<'_>) -> Step<bool> {
        /// Two calls inside the process for each.
        const MAX_MEMBERS: usize = 256;
        /// All but how events are told.
        const EVENTS: u32 = 0x0fff_ffff;
        if self.targets.len() > MAX_MEMBERS || self.targets.iter().any(|target| target.events & EVENTS == 0) {
            return Ok(false);
        }
        for target in &self.targets {
            let arguments = [self.number as u64, EPOLL_CTL_DEL, target.number as u64, 0, 0, 0];
            if remote.call(call::EPOLL_CTL, arguments)?.is_err() {
                return Ok(false);
            }
            control(remote, self.number, EPOLL_CTL_ADD, target)?;
        }
        Ok(true)
    }

    /// Puts it back to what it watched at the snapshot, once the descriptors are those of the snapshot.
    fn revert_members(&self, stopped: &mut Stopped<'_>) -> Step<()> {
        let now = targets(&inspect::fdinfo(stopped.process.pid, self.number)?)?;
        if now == self.targets {
            return Ok(());
        }
        let find = |targets: &[Target], wanted: i32| targets.iter().find(|t| t.number == wanted).copied();
        let mut remote = stopped.remote()?;
        for target in now.iter().filter(|target| find(&self.targets, target.number).is_none()) {
            // Fails where the number stands for another file by now, or for none: then it shows below.
            let arguments = [self.number as u64, EPOLL_CTL_DEL, target.number as u64, 0, 0, 0];
            let _shows = remote.call(call::EPOLL_CTL, arguments)?;
        }
        for target in &self.targets {
            match find(&now, target.number) {
                None => control(&mut remote, self.number, EPOLL_CTL_ADD, target)?,
                Some(found) if found != *target => control(&mut remote, self.number, EPOLL_CTL_MOD, target)?,
                Some(_) => {}
            }
        }
        drop(remote);
        if targets(&inspect::fdinfo(stopped.process.pid, self.number)?)? == self.targets {
            return Ok(());
        }
        super::refuse(self.number, "is an epoll set whose members could not be put back")
    }
}

/// What the epoll set behind a descriptor watches, as the kernel's text on it has it; nothing for other files.
fn targets(text: &[u8]) -> Step<Vec<Target>> {
    fdinfo::epoll_targets(text).map_err(|error| Trouble::Refused(Reason::Inspection, error.to_string()))
}

fn control(remote: &mut Remote<'_>, number: i32, operation: u64, target: &Target) -> Step<()> {
    // struct epoll_event, which is packed.
    let mut event = target.events.to_le_bytes().to_vec();
    event.extend(target.data.to_le_bytes());
    let event = remote.put(&event)?;
    let arguments = [number as u64, operation, target.number as u64, event.0, 0, 0];
    remote.must("epoll_ctl", call::EPOLL_CTL, arguments).map(drop)
}
