//! Threads and children as components: the threads of the snapshot, with their registers, and nobody else.

use crate::arch::call;
use crate::component::{Component, Restore, Stopped};
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::syscalls::observed::Observed;
use crate::syscalls::policy::StateKind;
use crate::trace::inspect;
use crate::trace::process::Process;
use crate::trace::registers::{self, ThreadState};
use crate::trace::remote_syscall::{self, Anchor};
use groundhog_sys::ptrace::RseqArea;
use groundhog_sys::{Errno, RemoteAddr, Tid, process_vm, robust_list};
use std::collections::BTreeMap;

/// Which threads there are, and that there are no children.
#[derive(Debug)]
pub(super) struct Threads(pub(super) Vec<Tid>);

impl Component for Threads {
    /// Ends threads that the request started, counts those in that it ended, and has the process reap its dead children: it does
    /// so, or the next request would see them.
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        let Stopped { process, anchor } = &mut restore.stopped;
        restore.report.threads_put_back = process.put_back_held();
        let new = process.new_threads();
        // All of them first: the end of one writes to memory. With others, which make calls by single steps, it would show.
        for tid in &new {
            registers::leave_sequence(process, *tid)?;
        }
        for tid in new {
            remote_syscall::check_anchor(process, *anchor)?;
            process.end_thread(tid, anchor.instruction.0)?;
            restore.report.threads_ended += 1;
        }
        if restore.had_children {
            reap(&mut restore.stopped)?;
        }
        restore.lap("threads");
        Ok(())
    }

    fn difference(&mut self, stopped: &mut Stopped<'_>) -> Step<Option<String>> {
        if stopped.process.is_reverting() {
            stopped.process.wait_for_stragglers()?;
        }
        let threads: Vec<_> = stopped.process.threads().collect();
        if threads != self.0 {
            return Ok(Some(format!("threads expected {:?}, found {threads:?}", self.0)));
        }
        let children = stopped.process.children().len();
        Ok((children > 0).then(|| format!("it has {children} child processes")))
    }
}

/// Where the kernel clears a word when a thread ends, of each thread but the first, which always shows its end. None where the
/// kernel does not tell (`CONFIG_CHECKPOINT_RESTORE`), and of a process that was attached to: no thread can be held then.
pub(super) fn cleared_at_end(stopped: &mut Stopped<'_>) -> Step<BTreeMap<Tid, RemoteAddr>> {
    const PR_GET_TID_ADDRESS: u64 = 40;
    let Stopped { process, anchor } = stopped;
    let mut words = BTreeMap::new();
    if !process.spawned {
        return Ok(words);
    }
    let others: Vec<Tid> = process.threads().filter(|tid| *tid != process.pid).collect();
    for tid in others {
        let mut remote = remote_syscall::Remote::enter_thread(process, *anchor, tid)?;
        let place = remote.scratch(size_of::<u64>() as u64)?;
        if remote.call(call::PRCTL, [PR_GET_TID_ADDRESS, place.0, 0, 0, 0, 0])?.is_err() {
            return Ok(BTreeMap::new());
        }
        let mut word = [0; size_of::<u64>()];
        remote.get(place, &mut word)?;
        words.insert(tid, RemoteAddr(u64::from_ne_bytes(word)));
    }
    Ok(words)
}

/// Ends the threads that are held at their ends, without a word to others, who know and may have their memory by now.
pub(super) fn end_held(process: &mut Process, anchor: Anchor) -> Step<()> {
    process.stop(false)?;
    let held = process.held();
    let others = held.iter().map(|tid| what_others_have(process, *tid)).collect::<Step<Vec<_>>>()?;
    let write = |process: &Process, place, bytes: &[u8]| {
        process_vm::write(process.pid, place, bytes)
            .or_trouble(Reason::Memory, "writing to what was the memory of a thread")
    };
    for (tid, others) in held.into_iter().zip(others) {
        if let Some((place, bytes)) = &others {
            // It is in no restartable sequence.
            write(process, *place, &vec![0; bytes.len()])?;
        }
        let mut remote = remote_syscall::Remote::enter_thread(process, anchor, tid)?;
        remote.must("set_tid_address", call::SET_TID_ADDRESS, [0; 6])?;
        remote.must(
            "set_robust_list",
            call::SET_ROBUST_LIST,
            [0, robust_list::HEAD_SIZE as u64, 0, 0, 0, 0],
        )?;
        drop(remote);
        process.end_thread(tid, anchor.instruction.0)?;
        if let Some((place, bytes)) = &others {
            write(process, *place, bytes)?;
        }
    }
    Ok(())
}

/// What lies where the kernel reads and writes before a thread that is held goes on: memory that was given to others since is put back
/// after that. Refuses where it is no memory any more.
fn what_others_have(process: &Process, tid: Tid) -> Step<Option<(RemoteAddr, Vec<u8>)>> {
    let Some(RseqArea { start, len, .. }) = registers::rseq_of(tid) else { return Ok(None) };
    let mut bytes = vec![0; len as usize];
    if inspect::is_private(tid, start.0, start.0 + u64::from(len))
        && process_vm::read(process.pid, &process.files.mem, start, &mut bytes).is_ok()
    {
        return Ok(Some((start, bytes)));
    }
    let message = format!("the memory of thread {tid} is gone, which has ended since the last snapshot");
    Err(Trouble::Refused(Reason::ThreadEnded, message))
}

fn reap(stopped: &mut Stopped<'_>) -> Step<()> {
    const WNOHANG: u64 = 1;
    const WALL: u64 = 0x4000_0000;
    const ECHILD: Errno = Errno(10);
    let any = u64::MAX;
    let mut remote = stopped.remote()?;
    loop {
        match remote.call(call::WAIT4, [any, 0, WNOHANG | WALL, 0, 0, 0])? {
            Ok(0) => {
                return Err(Trouble::Refused(Reason::Children, "it has a child that is not dead".into()));
            }
            Ok(_) => {}
            Err(ECHILD) => return Ok(()),
            Err(errno) => return Err(Trouble::system(Reason::Children, "reaping its children", errno)),
        }
    }
}

/// Has the kernel keep for each thread what it would keep after any request.
pub(super) fn settle(stopped: &mut Stopped<'_>) -> Step<()> {
    settle_pipes(stopped)?;
    if stopped.anchor.may_fault {
        for tid in stopped.process.threads().collect::<Vec<_>>() {
            forget_faults(stopped, tid)?;
        }
    }
    settle_signal_taker(stopped)
}

/// Has the kernel keep nothing of what faults a thread had, once no signals wait.
fn forget_faults(stopped: &mut Stopped<'_>, tid: Tid) -> Step<()> {
    let Stopped { process, anchor } = stopped;
    if !anchor.may_fault {
        let message = "a signal told of a fault, which it ignored at the snapshot".into();
        return Err(Trouble::Refused(Reason::Signals, message));
    }
    remote_syscall::Remote::enter_thread(process, *anchor, tid)?.forget_faults()
}

/// Has the kernel remember the same thread as the one that took the last signal to the process, where it chooses among several.
fn settle_signal_taker(stopped: &mut Stopped<'_>) -> Step<()> {
    let Stopped { process, anchor } = stopped;
    match process.other_signal_taker() {
        Some(tid) => remote_syscall::Remote::enter_thread(process, *anchor, tid)?.take_signals_to_process(),
        None => Ok(()),
    }
}

/// Has every thread get the pipe that the kernel makes for a thread when it first copies from a file to what is no pipe, by `sendfile` or
/// `copy_file_range`, and keeps until that ends.
///
/// It counts among all pipes of the user, who can tell by how many more he gets whether a thread has one. Not of a process that was only
/// attached to.
fn settle_pipes(stopped: &mut Stopped<'_>) -> Step<()> {
    const MFD_CLOEXEC: u64 = 1;
    if !stopped.process.spawned {
        return Ok(());
    }
    let mut remote = stopped.remote()?;
    let name = remote.put(&[0])?;
    let what = "making a file in memory";
    let file = remote.must(what, call::MEMFD_CREATE, [name.0, MFD_CLOEXEC, 0, 0, 0, 0])?;
    drop(remote);
    let Stopped { process, anchor } = stopped;
    for tid in process.threads().collect::<Vec<_>>() {
        let mut remote = remote_syscall::Remote::enter_thread(process, *anchor, tid)?;
        // Of nothing, which is there: the kernel makes the pipe before it looks how much is wanted.
        remote.must("copying nothing", call::SENDFILE, [file, file, 0, 0, 0, 0])?;
    }
    stopped.remote()?.must("closing a file in memory", call::CLOSE, [file, 0, 0, 0, 0, 0]).map(drop)
}

/// Reads the registers of every thread, once no more calls are made inside the process.
pub(super) fn save_registers(stopped: &mut Stopped<'_>) -> Step<Vec<ThreadState>> {
    // Whoever was only attached to may ask for large ones later.
    let may_be_large = !stopped.process.spawned || registers::may_be_large(&mut stopped.remote()?)?;
    registers::save(stopped.process, may_be_large)
}

/// Whether the process as a whole may have got a signal since the snapshot. That it was sent one counts: the kernel remembers
/// which thread it has chosen, also where another one takes the signal first, by `sigtimedwait` or a signalfd.
fn may_be_signalled(restore: &Restore<'_>) -> bool {
    // Limits of processor time send some, too.
    const TIMED: [StateKind; 4] =
        [StateKind::IntervalTimers, StateKind::PosixTimers, StateKind::TimerNumbers, StateKind::Limits];
    let Observed { signalled_as_a_whole, touched, .. } = restore.observed;
    *signalled_as_a_whole
        || !restore.sees_calls
        || restore.had_children
        || TIMED.iter().any(|kind| touched.has(*kind))
}

/// The registers, the extended state and the signal mask of every thread.
#[derive(Debug)]
pub(super) struct Registers {
    pub(super) states: Vec<ThreadState>,
    /// A timer was armed at the snapshot, or signals were to tell of a descriptor.
    pub(super) are_signals_due: bool,
}

impl Component for Registers {
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        restore.stopped.process.drop_signals(); // meant for the request
        registers::check_robust_lists(&self.states)?;
        let faulted = restore.stopped.process.take_faulted();
        for tid in self.states.iter().map(|state| state.tid).filter(|tid| faulted.contains(tid)) {
            forget_faults(&mut restore.stopped, tid)?;
        }
        if self.are_signals_due || may_be_signalled(restore) {
            settle_signal_taker(&mut restore.stopped)?;
        }
        for state in &self.states {
            registers::refuse_kept_flags(state, restore.stopped.process.flags(state.tid))?;
        }
        registers::refuse_new_room(&self.states)?;
        registers::restore(&self.states)?;
        restore.lap("registers");
        Ok(())
    }

    fn difference(&mut self, _: &mut Stopped<'_>) -> Step<Option<String>> {
        registers::difference(&self.states)
    }
}
