//! What the kernel tells of threads and children, each told once: their births and ends, stops, signals, calls.

use super::{Ending, Process, Run, SIGSTOP, StoppedCall, TELL_FAULTS, Thread};
use crate::arch::{self, call};
use groundhog_proc::status::{self, Status};
use groundhog_sys::ptrace::Registers;
use groundhog_sys::wait::{self, Patience, WaitStatus};
use groundhog_sys::{Errno, Tid, kcmp, pidfd, ptrace, thread_ids};
use std::time::{Duration, Instant};

const EVENT_FORK: i32 = 1;
const EVENT_VFORK: i32 = 2;
const EVENT_CLONE: i32 = 3;
const EVENT_EXEC: i32 = 4;
pub(super) const EVENT_EXIT: i32 = 6;
const EVENT_SECCOMP: i32 = 7;
/// More than this, and its end is not told any more.
const MAX_SILENCES: u32 = 2;
/// Once another thread was told of something, it is looked for that so often, as long as that goes on.
const ROBBED_PAUSE: Duration = Duration::from_micros(200);
const ROBBED_FOR: Duration = Duration::from_millis(100);
/// `SIGPIPE`, `SIGXFSZ`: what the kernel tells a thread about its own call.
const TELL_CALLS: [i32; 2] = [13, 25];

/// Whether the kernel may have chosen the thread that is stopped at a signal among all, for one to the process. (That a request
/// may have had one sent is told by its calls and its children; this is for what others send.)
fn is_for_any_thread(tid: Tid, signal: i32) -> bool {
    const SI_TKILL: i32 = -6;
    match ptrace::signal_code(tid) {
        Ok(Some(SI_TKILL)) => false,
        Ok(Some(code)) if TELL_FAULTS.contains(&signal) => code <= 0,
        _ => !TELL_CALLS.contains(&signal),
    }
}

/// The signal as the process gets it: `SIGSTOP` never, because it is our doorbell, and a process that is stopped by
/// job control could not be woken to be restored.
fn deliverable(signal: i32) -> i32 {
    if signal == SIGSTOP { 0 } else { signal }
}

/// The process that a thread belongs to, one of `known` or another; none when the thread is a zombie or gone, or has another tracer, so
/// that it is a stranger who got the number.
///
/// One of which nothing can be read counts as a living process of its own, unless it is a thread of one that is known: its end
/// is told, and it is killed before that.
fn process_of(tid: Tid, tracer: Option<Tid>, mut known: impl Iterator<Item = Tid>) -> Option<Tid> {
    let Some(status) = status_of(tid) else {
        // `/proc` may be mounted so that it hides what is not dumpable: that it shows nothing does not say that nothing is there.
        let has_ended = pidfd::open(tid).is_ok_and(|process| pidfd::has_ended(&process));
        let is_there = thread_ids::exists(tid) && !has_ended;
        return is_there
            .then(|| known.find(|process| thread_ids::is_thread_of(*process, tid)).unwrap_or(tid));
    };
    let process = i32::try_from(status.tgid).map_or(tid, Tid);
    let traced_by = (status.tracer_pid != 0).then(|| Tid(status.tracer_pid.cast_signed()));
    (!has_ended(&status) && traced_by == tracer).then_some(process)
}

/// Whether a child is none of ours any more: it is gone, or has ended and waits for its parent.
fn is_of_others(tid: Tid) -> bool {
    let waits = |status: Status| has_ended(&status) && status.tracer_pid == 0;
    !thread_ids::exists(tid) || status_of(tid).is_some_and(waits)
}

/// What `/proc` tells of a thread, if it does.
fn status_of(tid: Tid) -> Option<Status> {
    let told = std::fs::read(format!("/proc/{tid}/status")).ok()?;
    status::parse(&told).ok()
}

fn has_ended(status: &Status) -> bool {
    matches!(status.state, b'Z' | b'X')
}

impl Process {
    /// Books what has happened by now, or much of it. Whoever has stopped needs not be stopped once more: a thread at its first stop would
    /// keep the second one for when it goes on, and never begin while this is done again and again.
    pub(crate) fn catch_up(&mut self) {
        const MAX_EVENTS: usize = 1000;
        for _ in 0..MAX_EVENTS {
            match wait::any(Patience::Poll) {
                Ok(Some((tid, status))) => self.note(tid, status),
                Ok(None) | Err(_) => break, // a stop will tell of what is wrong
            }
        }
    }

    /// Waits for one event while the process runs. Whoever had it stays stopped until [`Self::release`].
    ///
    /// # Errors
    /// `ECHILD` when nothing is left to wait for.
    pub(crate) fn follow(&mut self) -> groundhog_sys::Result<()> {
        if let Some((tid, status)) = self.await_event(None)? {
            self.note(tid, status);
        }
        Ok(())
    }

    /// Waits for an event, none: nothing was told for a while. What this program's other threads were told, because they wait for
    /// any child, comes late. `stepped`: who is to stop, although it counts as stopped.
    ///
    /// # Errors
    /// `ECHILD` when nothing is left to wait for.
    pub(super) fn await_event(
        &mut self,
        stepped: Option<Tid>,
    ) -> groundhog_sys::Result<Option<(Tid, WaitStatus)>> {
        if let Some(event) = self.late.pop_front() {
            return Ok(Some(event));
        }
        let is_robbed = self.robbed.is_some_and(|last| last.elapsed() < ROBBED_FOR);
        let event = wait::any(if is_robbed { Patience::Poll } else { Patience::Wait })?;
        if event.is_some() {
            return Ok(event);
        }
        if is_robbed {
            std::thread::sleep(ROBBED_PAUSE);
        }
        if self.look_for_untold(stepped) {
            self.robbed = Some(Instant::now());
        }
        if !is_robbed {
            self.note_silence();
        }
        Ok(self.late.pop_front())
    }

    /// Looks at who has stopped or ended without a word. Only then at what waits to be told: what does not is told no more. Says whether
    /// there is any of that.
    fn look_for_untold(&mut self, stepped: Option<Tid>) -> bool {
        const MAX_EVENTS: usize = 1000;
        let running =
            self.threads.iter().filter(|(tid, thread)| thread.run == Run::Running || stepped == Some(**tid));
        let running = running.map(|(tid, _)| *tid);
        let children = self.children.keys().copied().filter(|tid| self.untold.get(tid) != Some(&true));
        let mut found: Vec<_> =
            running.chain(children).filter_map(|tid| Some((tid, ptrace::stopped_at(tid).ok()?))).collect();
        let leaving = self.leaving.iter().filter(|tid| !thread_ids::exists(**tid));
        let ended = self.children.keys().filter(|tid| self.reverting && is_of_others(**tid));
        found.extend(leaving.chain(ended).map(|tid| (*tid, WaitStatus::Exited(0))));
        if found.is_empty() {
            return false;
        }
        while self.late.len() < MAX_EVENTS
            && let Ok(Some((tid, status))) = wait::any(Patience::Poll)
        {
            found.retain(|(other, _)| *other != tid);
            self.late.push_back((tid, status));
        }
        let is_robbed = !found.is_empty();
        self.late.extend(found);
        is_robbed
    }

    /// Nothing was told for a while. If the process has ended, nothing will be: somebody else has waited for it, or was told
    /// of the stop before the end.
    fn note_silence(&mut self) {
        self.silences = if pidfd::has_ended(&self.pidfd) { self.silences + 1 } else { 0 };
        if self.silences >= MAX_SILENCES && self.ending.is_none() {
            self.ending = Some(Ending::Killed(9));
            self.threads.clear();
            self.leaving.clear();
        }
    }

    /// Books an event. A thread's kept stops are noted in `threads`; all others are continued here.
    pub(super) fn note(&mut self, tid: Tid, status: WaitStatus) {
        let known = self.children.contains_key(&tid) || self.leaving.contains(&tid);
        if !known && !self.threads.contains_key(&tid) {
            self.adopt(tid);
            if self.children.contains_key(&tid) {
                self.untold.insert(tid, false);
            }
        }
        let ours = self.threads.contains_key(&tid);
        let interrupts =
            matches!(status, WaitStatus::Signal(_) | WaitStatus::Stop | WaitStatus::GroupStop(_));
        let registers = if interrupts { ptrace::registers(tid).ok() } else { None };
        if registers.as_ref().is_some_and(arch::may_continue) {
            self.observer.note_interruption(tid);
        }
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.flags = registers.map(|registers| registers.eflags);
        }
        match status {
            WaitStatus::Exited(code) => self.note_end(tid, Ending::Exited(code)),
            WaitStatus::Killed(signal) => self.note_end(tid, Ending::Killed(signal)),
            WaitStatus::Event(event) => self.note_call_event(tid, event, ours),
            WaitStatus::Signal(signal) if ours => {
                if deliverable(signal) != 0 {
                    self.observer.note_delivery(signal);
                }
                if tid != self.pid && signal != SIGSTOP && !self.happened.signal_elsewhere {
                    self.happened.signal_elsewhere = is_for_any_thread(tid, signal);
                }
                if TELL_FAULTS.contains(&signal) {
                    self.happened.faulted.insert(tid);
                }
                self.set_run(tid, Run::Stopped(deliverable(signal)));
            }
            WaitStatus::Stop | WaitStatus::Syscall if ours => {
                self.happened.group_stop = None;
                self.set_run(tid, Run::Stopped(0));
            }
            WaitStatus::GroupStop(signal) if ours => {
                self.happened.group_stop = Some(signal);
                self.set_run(tid, Run::Stopped(0));
            }
            // A child: it runs on with whatever signal it was to receive, or stays stopped by that, as whoever made it may want.
            WaitStatus::Signal(signal) => drop(ptrace::cont(tid, signal)),
            WaitStatus::GroupStop(_) => {
                if ptrace::listen(tid).is_err() {
                    let _gone = ptrace::cont(tid, 0);
                }
            }
            WaitStatus::Stop => {
                // Its first one, as a rule. Its end is told in any case.
                if self.spawned {
                    let _gone = ptrace::end_without_stop(tid);
                }
                match self.untold.get_mut(&tid) {
                    Some(waits) => *waits = true,
                    None => drop(ptrace::cont(tid, 0)),
                }
            }
            WaitStatus::Syscall => drop(ptrace::cont(tid, 0)),
        }
    }

    pub(super) fn set_run(&mut self, tid: Tid, run: Run) {
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.run = run;
        }
    }

    /// An event in the middle of a system call: booked, and left at once.
    pub(super) fn note_call_event(&mut self, tid: Tid, event: i32, ours: bool) {
        match event {
            EVENT_FORK | EVENT_VFORK | EVENT_CLONE => {
                let born = ptrace::event_message(tid).ok().and_then(|id| i32::try_from(id).ok()).map(Tid);
                // Of an event that the process forged the kernel names nobody.
                let born = born.filter(|born| born.0 > 0);
                if let Some(born) = born
                    && !self.threads.contains_key(&born)
                {
                    match self.untold.remove(&born) {
                        Some(true) => drop(ptrace::cont(born, 0)),
                        Some(false) => {}
                        None => self.adopt(born),
                    }
                }
            }
            EVENT_EXEC if ours => {
                // The thread that called exec has become the first one, and all others are gone.
                self.happened.execed = true;
                self.threads.clear();
                self.leaving.clear();
                self.threads.insert(self.pid, Thread::NEW);
            }
            EVENT_EXEC => {
                // It goes on under its process's id; the end of the thread that it was is not told, and its number is free.
                let former = ptrace::event_message(tid).ok().and_then(|id| i32::try_from(id).ok()).map(Tid);
                if let Some(former) = former.filter(|former| *former != tid) {
                    self.forget_child(former);
                }
            }
            EVENT_SECCOMP => self.note_seccomp_stop(tid, ours),
            EVENT_EXIT if ours => {
                // Said before the end, because a first thread that ends while others go on is never reported again.
                self.note_thread_end(tid);
                if tid != self.pid {
                    self.leaving.insert(tid);
                }
            }
            _ => {}
        }
        if ours && self.stopping {
            // This stop has taken the place of the one that was asked for (`ptrace_stop` in kernel/signal.c).
            let _ending = ptrace::interrupt(tid);
        }
        let _gone_is_fine = ptrace::cont(tid, 0);
    }

    /// A thread is about to make a call that one of our programs wants to be seen.
    fn note_seccomp_stop(&mut self, tid: Tid, is_ours: bool) {
        let registers = ptrace::registers(tid).ok();
        let group = if is_ours { self.pid } else { self.children.get(&tid).copied().unwrap_or(tid) };
        let Self { threads, leaving, children, observer, pid, .. } = self;
        let refused = observer.see(&StoppedCall {
            caller: tid,
            group,
            process: *pid,
            is_ours,
            is_new: threads.get(&tid).is_none_or(|thread| !thread.in_snapshot),
            is_alone: &|| {
                // The kernel writes to the memory of one on its way out, too.
                let others = threads.keys().chain(children.keys()).chain(leaving.iter());
                let mut others = others.filter(|other| **other != tid);
                // Of one that has ended the kernel says so; what cannot be told counts as shared.
                others.all(|other| matches!(kcmp::same_memory(tid, *other), Ok(false) | Err(Errno(3))))
            },
            has_children: !children.is_empty(),
            // What cannot be read is judged by the registers.
            message: ptrace::event_message(tid).unwrap_or(u64::MAX),
            registers,
            is_thread: &|named| threads.contains_key(&named),
            is_descendant: &|named| {
                children.iter().any(|(thread, process)| *thread == named || *process == named)
            },
        });
        let Some(registers) = registers else { return };
        if let Some(errno) = refused {
            let answer = i64::from(-errno.0).cast_unsigned();
            let refusal = Registers { orig_rax: u64::MAX, rax: answer, ..registers };
            match ptrace::set_registers(tid, &refusal) {
                // A thread that is gone makes no call either.
                Ok(()) | Err(Errno(3)) => {}
                Err(_) => drop(pidfd::kill_by_id(group)),
            }
        } else if registers.orig_rax == call::EXIT {
            self.hold(tid, &registers);
        }
    }

    fn note_thread_end(&mut self, tid: Tid) {
        if self.threads.remove(&tid).is_some_and(|thread| thread.in_snapshot) {
            self.happened.thread_ended = true;
        }
        if tid == self.pid {
            self.doorbell.note_first_thread_ended();
        }
        self.end_with_its_last_thread();
    }

    fn note_end(&mut self, tid: Tid, ending: Ending) {
        self.note_thread_end(tid);
        self.leaving.remove(&tid);
        if tid != self.pid && matches!(ending, Ending::Killed(_)) {
            self.observer.note_killed_descendant();
        }
        self.forget_child(tid);
        // The end of a first thread is told when all others are gone. One that was killed on its way into another program
        // went without a word.
        self.children.retain(|_, process| *process != tid);
        if tid == self.pid {
            self.ending = Some(ending);
            self.threads.clear();
            for process in self.children.values() {
                let _already_dead = pidfd::kill_by_id(*process);
            }
        }
    }

    pub(super) fn forget_child(&mut self, tid: Tid) {
        self.untold.remove(&tid);
        if self.children.remove(&tid).is_some() {
            self.doorbell.remove(tid);
        }
    }

    /// A thread or process seen for the first time. The kernel attached it, and it stops before it runs.
    pub(super) fn adopt(&mut self, tid: Tid) {
        if tid != self.pid && thread_ids::is_thread_of(self.pid, tid) {
            self.threads.insert(tid, Thread::NEW);
        } else if tid != self.pid && thread_ids::exists(tid) {
            self.happened.had_children = true;
            // Its end may have been told before its birth, and will not be told again.
            if let Some(process) = process_of(tid, Some(thread_ids::own()), self.children.values().copied()) {
                self.children.insert(tid, process);
                self.doorbell.add(tid);
                if self.overran || self.reverting || self.ending.is_some() {
                    let _already_dead = pidfd::kill_by_id(process);
                }
            }
        }
        if self.threads.len() + self.children.len() > self.most_tasks && !self.overran {
            self.overran = true;
            let _already_dead = pidfd::kill(&*self.pidfd);
            for process in self.children.values() {
                let _already_dead = pidfd::kill_by_id(*process);
            }
        }
    }

    /// Remembers that a stopped thread was about to receive a signal. One that tells of a fault comes whatever is blocked, along with the
    /// end of a single step (`dequeue_synchronous_signal` in kernel/signal.c).
    pub(crate) fn hold_signal(&mut self, tid: Tid, signal: i32) {
        if TELL_FAULTS.contains(&signal) {
            self.note_untold_faults(tid, 1 << (signal - 1));
        }
        if deliverable(signal) != 0 {
            self.set_run(tid, Run::Stopped(signal));
        }
    }

    /// Books the end of a thread that another waiter saw.
    pub(crate) fn note_outcome(&mut self, tid: Tid, status: WaitStatus) {
        self.note(tid, status);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{WaitId, WaitIdOptions};
    use std::process::{Command, Stdio};

    /// Its birth may be told after its end; it would be waited for in vain.
    #[test]
    fn a_child_that_has_ended_is_of_no_process() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat");
        let tid = Tid(child.id().cast_signed());
        assert_eq!(process_of(tid, None, std::iter::empty()), Some(tid));
        drop(child.stdin.take());
        let pid = rustix::process::Pid::from_child(&child);
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        rustix::process::waitid(WaitId::Pid(pid), ended).expect("its end");
        assert_eq!(process_of(tid, None, std::iter::empty()), None);
        assert!(std::path::Path::new(&format!("/proc/{tid}")).exists(), "nobody has waited for it");
        assert!(child.wait().expect("its status").success());
        assert_eq!(process_of(tid, None, std::iter::empty()), None);
    }
}
