//! Stopping all threads, letting them go on, ending them.

use super::{Ending, Process, Run};
use crate::error::{OrTrouble, Reason, Step, Trouble};
use groundhog_sys::wait::WaitStatus;
use groundhog_sys::{Errno, Tid, pidfd, ptrace};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long a killed process may take to be gone.
const KILLED_WITHIN: Duration = Duration::from_secs(5);

const SIGTRAP: i32 = 5;

/// How often a thread has faulted that is to make a call.
#[derive(Debug, Default)]
pub(crate) struct Faults(usize);

impl Faults {
    /// More than this, and the kernel cannot write to where the thread has registered its restartable sequences: it says so each time
    /// that the thread is to go on.
    const MOST: usize = 8;

    /// Refuses a thread that will never make it.
    pub(crate) fn note(&mut self, tid: Tid, status: WaitStatus) -> Step<()> {
        const SIGSEGV: i32 = 11;
        if status != WaitStatus::Signal(SIGSEGV) {
            return Ok(());
        }
        self.0 += 1;
        if self.0 <= Self::MOST {
            return Ok(());
        }
        let message = format!("thread {tid} cannot make a call: the memory that it needs is gone");
        Err(Trouble::Refused(Reason::RemoteCall, message))
    }
}

impl Process {
    /// Lets every stopped thread go on that is not held, with the signal it was about to receive.
    pub(crate) fn release(&mut self) -> groundhog_sys::Result<()> {
        for (tid, thread) in self.threads.iter_mut().filter(|(_, thread)| !thread.is_held) {
            if let Run::Stopped(signal) = thread.run {
                match ptrace::cont(*tid, signal) {
                    // ESRCH: killed meanwhile, and its end will be reported.
                    Ok(()) | Err(Errno(3)) => thread.run = Run::Running,
                    Err(errno) => return Err(errno),
                }
            }
        }
        Ok(())
    }

    /// Forgets the signals at which threads were stopped.
    pub(crate) fn drop_signals(&mut self) {
        for thread in self.threads.values_mut() {
            if let Run::Stopped(signal) = &mut thread.run {
                *signal = 0;
            }
        }
    }

    /// Stops every thread; with `kill_children`, kills every descendant as well. Says how many were killed.
    ///
    /// When it returns, no thread of the process runs, none can be born, and every descendant is dead.
    pub(crate) fn stop(&mut self, kill_children: bool) -> Step<u64> {
        let running: Vec<Tid> =
            self.threads.iter().filter(|(_, t)| t.run == Run::Running).map(|(tid, _)| *tid).collect();
        for tid in running {
            // ESRCH: it is ending, and its last event is on its way.
            let _ending = ptrace::interrupt(tid);
        }
        self.stopping = true;
        self.reverting = kill_children;
        let killed = self.wait_until_stopped(kill_children);
        self.stopping = false;
        let killed = killed?;
        if self.threads.is_empty() {
            return Err(Trouble::Exited);
        }
        if !self.spawned {
            self.refuse_untraced()?;
        }
        Ok(killed)
    }

    /// Waits until the descendants that have shown since all were killed are dead, too.
    pub(crate) fn wait_for_stragglers(&mut self) -> Step<()> {
        while !self.children.is_empty() {
            if let Some((tid, status)) = self.next_event(None)? {
                self.note(tid, status);
            }
            if self.ending.is_some() {
                return Err(Trouble::Exited);
            }
        }
        Ok(())
    }

    /// Takes events until every thread is in a stop that is kept.
    fn wait_until_stopped(&mut self, kill_children: bool) -> Step<u64> {
        let mut killed = BTreeSet::new();
        loop {
            if kill_children {
                for process in self.children.values() {
                    if killed.insert(*process) {
                        let _already_dead = pidfd::kill_by_id(*process);
                    }
                }
            }
            if self.ending.is_some() {
                return Err(Trouble::Exited);
            }
            let alone = !kill_children || self.children.is_empty();
            if alone && self.leaving.is_empty() && self.is_stopped() {
                return Ok(killed.len() as u64);
            }
            if let Some((tid, status)) = self.next_event(None)? {
                self.note(tid, status);
            }
        }
    }

    /// Waits for an event, at most until the deadline; none: it was only looked whether that is over. `stepped`: see
    /// [`Self::await_event`].
    fn next_event(&mut self, stepped: Option<Tid>) -> Step<Option<(Tid, WaitStatus)>> {
        self.in_time()?; // also while there is always another event
        self.await_event(stepped).map_err(|_| Trouble::Exited)
    }

    /// Whether there is time left.
    pub(crate) fn in_time(&self) -> Step<()> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            let message = "it was not stopped and gone through in time".to_owned();
            return Err(Trouble::Refused(Reason::Stopped, message));
        }
        Ok(())
    }

    /// Gives what follows so much time, or as much as it takes.
    pub(crate) fn set_time_limit(&mut self, limit: Option<Duration>) {
        self.deadline = limit.map(|limit| Instant::now() + limit);
    }

    /// Threads and children that were made with `CLONE_UNTRACED`, which a process started by us may not use.
    fn refuse_untraced(&self) -> Step<()> {
        let refuse = |what: String| Err(Trouble::Refused(Reason::Untraced, what));
        let folder = format!("/proc/{}/task", self.pid);
        for entry in std::fs::read_dir(&folder).or_trouble(Reason::Inspection, "listing its threads")? {
            let name = entry.or_trouble(Reason::Inspection, "listing its threads")?.file_name();
            let tid = name.to_str().and_then(|text| text.parse().ok()).map_or(Tid(0), Tid);
            if !self.threads.contains_key(&tid) {
                return refuse(format!("thread {tid} is not traced"));
            }
            let path = format!("{folder}/{tid}/children");
            let text = std::fs::read(path).or_trouble(Reason::Inspection, "listing its children")?;
            let children = groundhog_proc::children::parse(&text)
                .map_err(|error| Trouble::Refused(Reason::Inspection, error.to_string()))?;
            if let Some(child) =
                children.iter().find(|child| !self.children.contains_key(&Tid(**child as i32)))
            {
                return refuse(format!("child process {child} is not traced"));
            }
        }
        Ok(())
    }

    /// Waits for an event of one thread while all others are stopped. Theirs, which are their ends, are booked.
    ///
    /// Waiting for the one alone could last forever: the end of the first thread of a process that is killed is told
    /// only when the ends of all others have been taken.
    pub(crate) fn wait_for(&mut self, tid: Tid) -> Step<WaitStatus> {
        loop {
            match self.next_event(Some(tid))? {
                Some((found, status)) if found == tid => return Ok(status),
                Some((other, status)) => self.note(other, status),
                None => {}
            }
            if self.ending.is_some() {
                return Err(Trouble::Exited);
            }
        }
    }

    /// Ends a stopped thread by making it call `exit`, and waits until it is gone. Not an instruction of its own runs: nobody judges
    /// what a request does while it is reverted. It has to have left any restartable sequence.
    pub(crate) fn end_thread(&mut self, tid: Tid, instruction: u64) -> Step<()> {
        /// The trap of an earlier interrupt, its call as the filter sees it, its end; and faults, see [`Faults`].
        const MOST_STOPS: usize = 16;
        let mut registers = ptrace::registers(tid).or_trouble(Reason::Registers, "reading registers")?;
        crate::arch::set_call(&mut registers, instruction, crate::arch::call::EXIT, [0; 6]);
        ptrace::set_signal_mask(tid, !0).or_trouble(Reason::Registers, "setting a signal mask")?;
        ptrace::set_registers(tid, &registers).or_trouble(Reason::Registers, "setting registers")?;
        ptrace::single_step(tid).or_trouble(Reason::Registers, "resuming a thread")?;
        let mut faults = Faults::default();
        for _ in 0..MOST_STOPS {
            match self.wait_for(tid)? {
                WaitStatus::Exited(_) | WaitStatus::Killed(_) => {
                    self.threads.remove(&tid);
                    return Ok(());
                }
                // Nobody comes back from this call: it was taken elsewhere, as others may have it who share the word that says where to.
                WaitStatus::Signal(SIGTRAP) => break,
                // In its call.
                WaitStatus::Event(_) | WaitStatus::Syscall => {}
                status => {
                    faults.note(tid, status)?;
                    // Not where the kernel would have it go on: one whose call was made a signal stands behind it.
                    let _gone = ptrace::set_registers(tid, &registers);
                }
            }
            let _gone = ptrace::single_step(tid);
        }
        Err(Trouble::Refused(Reason::Registers, format!("thread {tid} was made to end, and does not")))
    }

    /// Resumes every thread, with the signals at which they were stopped.
    pub(crate) fn resume(&mut self) -> Step<()> {
        self.reverting = false;
        self.release().or_trouble(Reason::Registers, "resuming a thread")
    }

    /// Kills the process and its descendants, and reaps everything, unless the kernel does not tell of their ends: another
    /// thread of this program may have waited for them.
    pub(crate) fn kill(&mut self) {
        let begun = Instant::now();
        let _already_dead = pidfd::kill(&*self.pidfd);
        while begun.elapsed() < KILLED_WITHIN {
            for process in self.children.values() {
                let _already_dead = pidfd::kill_by_id(*process);
            }
            match self.await_event(None) {
                Ok(Some((tid, status))) => {
                    self.note(tid, status);
                    let _gone = self.release();
                }
                Ok(None) => {
                    if self.ending.is_some() && self.children.is_empty() {
                        break;
                    }
                }
                Err(_) => break, // nothing left
            }
        }
        self.ending.get_or_insert(Ending::Killed(9));
        self.threads.clear();
    }

    /// Stops tracing and leaves the process running (for one that we only attached to).
    pub(crate) fn detach(&mut self) {
        if self.stop(false).is_ok() {
            for tid in self.threads.keys() {
                let _gone = ptrace::detach(*tid);
            }
        }
    }
}
