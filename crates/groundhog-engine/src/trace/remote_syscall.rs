//! System calls made inside the stopped process.

use crate::arch::{self, SYSCALL_INSTRUCTION};
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::trace::inspect;
use crate::trace::process::Process;
use groundhog_sys::ptrace::{self, Registers};
use groundhog_sys::wait::WaitStatus;
use groundhog_sys::{Errno, RemoteAddr, Tid, process_vm};

const SIGTRAP: i32 = 5;
/// `PTRACE_EVENT_SECCOMP`
const SECCOMP: i32 = 7;

/// More traps than this before a single step are not left over: one can be pending for the thread, one for the process.
const STALE_TRAPS: usize = 8;

/// Every signal but the one that a single step ends with.
const BLOCK_ALL: u64 = !(1 << (SIGTRAP - 1));

/// Where calls are made from, found at the snapshot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor {
    /// A `syscall` instruction.
    pub(crate) instruction: RemoteAddr,
    /// The first thread's stack pointer at the snapshot: the stack below it is there whenever the layout is.
    pub(crate) stack: u64,
    /// `SIGTRAP` is not ignored, so that a single step (one stop a call) leaves no trace; else two stops a call.
    pub(crate) single_step: bool,
}

/// A scope in which one thread of the process makes system calls for us.
///
/// The process must be stopped. The thread's registers and signal mask are put back when the scope ends, whatever
/// happens in it.
pub(crate) struct Remote<'a> {
    process: &'a mut Process,
    tid: Tid,
    anchor: Anchor,
    saved: Registers,
    saved_mask: u64,
    /// Calls are made as if it stood on no stack at all.
    off_stack: bool,
}

/// Finds a `syscall` instruction in the vDSO, which no program unmaps or changes by accident.
pub(crate) fn find_anchor(process: &Process, vdso: (u64, u64)) -> Step<Anchor> {
    let mut code = vec![0; (vdso.1 - vdso.0) as usize];
    process_vm::read(process.pid, &process.files.mem, RemoteAddr(vdso.0), &mut code)
        .or_trouble(Reason::RemoteCall, "reading the vDSO")?;
    let at = code.windows(2).position(|pair| pair == SYSCALL_INSTRUCTION);
    let at = at.ok_or_else(|| {
        Trouble::Refused(Reason::RemoteCall, "its vDSO holds no syscall instruction".into())
    })?;
    let registers =
        ptrace::registers(process.main_thread()?).or_trouble(Reason::Registers, "reading registers")?;
    let status = inspect::status(process.pid, process.pid)?;
    let single_step = status.sig_ign & 1 << (SIGTRAP - 1) == 0;
    Ok(Anchor { instruction: RemoteAddr(vdso.0 + at as u64), stack: registers.rsp, single_step })
}

/// Refuses an instruction that is no longer what was found.
pub(crate) fn check_anchor(process: &Process, anchor: Anchor) -> Step<()> {
    let mut bytes = [0; 2];
    process_vm::read(process.pid, &process.files.mem, anchor.instruction, &mut bytes)
        .or_trouble(Reason::RemoteCall, "reading the vDSO")?;
    if bytes == SYSCALL_INSTRUCTION {
        Ok(())
    } else {
        Err(Trouble::Refused(Reason::RemoteCall, "its vDSO was changed".into()))
    }
}

impl<'a> Remote<'a> {
    /// Begins a scope in the first thread.
    pub(crate) fn enter(process: &'a mut Process, anchor: Anchor) -> Step<Self> {
        let tid = process.main_thread()?;
        Self::enter_thread(process, anchor, tid)
    }

    /// Begins a scope in any thread, for what each has for itself.
    pub(crate) fn enter_thread(process: &'a mut Process, anchor: Anchor, tid: Tid) -> Step<Self> {
        check_anchor(process, anchor)?;
        let saved = ptrace::registers(tid).or_trouble(Reason::Registers, "reading registers")?;
        let saved_mask = ptrace::signal_mask(tid).or_trouble(Reason::Registers, "reading a signal mask")?;
        ptrace::set_signal_mask(tid, BLOCK_ALL).or_trouble(Reason::Registers, "setting a signal mask")?;
        Ok(Self { process, tid, anchor, saved, saved_mask, off_stack: false })
    }

    /// Makes all further calls off the thread's stack: an alternate one that it stands on cannot be replaced.
    pub(crate) fn leave_stack(&mut self) {
        self.off_stack = true;
    }

    /// The process.
    pub(crate) fn process(&self) -> &Process {
        self.process
    }

    /// Memory that a call may use: on the thread's stack, below what it may be using.
    ///
    /// Its contents are lost, so it is for a restore, before memory is copied back, or to be saved first.
    pub(crate) fn scratch(&self, len: u64) -> RemoteAddr {
        RemoteAddr((self.anchor.stack - arch::RED_ZONE - len) & !0xf)
    }

    /// Writes `bytes` into [`Self::scratch`].
    pub(crate) fn put(&self, bytes: &[u8]) -> Step<RemoteAddr> {
        let addr = self.scratch(bytes.len() as u64);
        let mut batch = process_vm::Batch::new();
        batch.push(addr, bytes);
        batch
            .write(self.process.pid, &self.process.files.mem)
            .or_trouble(Reason::RemoteCall, "writing to a stack")?;
        Ok(addr)
    }

    /// Reads what a call wrote.
    pub(crate) fn get(&self, addr: RemoteAddr, bytes: &mut [u8]) -> Step<()> {
        process_vm::read(self.process.pid, &self.process.files.mem, addr, bytes)
            .or_trouble(Reason::RemoteCall, "reading from a stack")
    }

    /// Makes a call; the kernel's own error numbers come back as errors of the inner result.
    pub(crate) fn call(&mut self, number: u64, arguments: [u64; 6]) -> Step<groundhog_sys::Result<u64>> {
        let mut registers = self.saved;
        if self.off_stack {
            registers.rsp = 0;
        }
        arch::set_call(&mut registers, self.anchor.instruction.0, number, arguments);
        ptrace::set_registers(self.tid, &registers).or_trouble(Reason::Registers, "setting registers")?;
        if self.anchor.single_step {
            self.run_to(ptrace::single_step, |status| status == WaitStatus::Signal(SIGTRAP))?;
        } else {
            self.run_to(ptrace::run_to_syscall, |status| status == WaitStatus::Syscall)?; // entry
            self.run_to(ptrace::run_to_syscall, |status| status == WaitStatus::Syscall)?; // exit
        }
        let mut after = ptrace::registers(self.tid).or_trouble(Reason::Registers, "reading registers")?;
        // A SIGTRAP that the request had left pending comes before the instruction; it is meant for nobody now.
        for _ in 0..STALE_TRAPS {
            if after.rip != self.anchor.instruction.0 {
                break;
            }
            self.run_to(ptrace::single_step, |status| status == WaitStatus::Signal(SIGTRAP))?;
            after = ptrace::registers(self.tid).or_trouble(Reason::Registers, "reading registers")?;
        }
        if after.rip != self.anchor.instruction.0 + SYSCALL_INSTRUCTION.len() as u64 {
            let message = format!("a call inside it was not made: it stands at {:#x}", after.rip);
            return Err(Trouble::Refused(Reason::RemoteCall, message));
        }
        let result = after.rax;
        Ok(match Errno::from_raw_result(result.cast_signed()) {
            Some(errno) => Err(errno),
            None => Ok(result),
        })
    }

    /// Makes a call that must succeed; `what` says what for.
    pub(crate) fn must(&mut self, what: &str, number: u64, arguments: [u64; 6]) -> Step<u64> {
        self.call(number, arguments)?.map_err(|errno| {
            // Never "gone" here: the thread just answered.
            Trouble::Refused(Reason::RemoteCall, format!("{what} inside it: {errno}"))
        })
    }

    /// Installs a seccomp program in all threads of a process that has `no_new_privs`; says whether that worked.
    pub(crate) fn install_filter(&mut self, program: &[u64]) -> Step<bool> {
        const SET_MODE_FILTER: u64 = 1;
        const TSYNC: u64 = 1;
        let len = (program.len() * 8 + 16) as u64;
        let start = self.scratch(len);
        // struct sock_fprog { unsigned short len; struct sock_filter *filter; }, then the instructions.
        let mut bytes = (program.len() as u64).to_le_bytes().to_vec();
        bytes.extend((start.0 + 16).to_le_bytes());
        bytes.extend(program.iter().flat_map(|word| word.to_le_bytes()));
        let start = self.put(&bytes)?;
        let installed = self.call(arch::call::SECCOMP, [SET_MODE_FILTER, TSYNC, start.0, 0, 0, 0])?;
        Ok(installed == Ok(0))
    }

    /// Resumes the thread by `resume`, until it stops as wanted.
    fn run_to(
        &mut self,
        resume: impl Fn(Tid) -> groundhog_sys::Result<()>,
        wanted: impl Fn(WaitStatus) -> bool,
    ) -> Step<()> {
        loop {
            resume(self.tid).or_trouble(Reason::Registers, "resuming a thread")?;
            match self.process.wait_for(self.tid)? {
                status if wanted(status) => return Ok(()),
                // The trap of an earlier interrupt, which comes before the first instruction; or our own call, seen by
                // the filter that watches the layout.
                WaitStatus::Stop
                | WaitStatus::GroupStop(_)
                | WaitStatus::Syscall
                | WaitStatus::Event(SECCOMP) => {}
                WaitStatus::Signal(signal) => self.process.hold_signal(self.tid, signal),
                status @ (WaitStatus::Exited(_) | WaitStatus::Killed(_) | WaitStatus::Event(_)) => {
                    self.process.note_outcome(self.tid, status);
                    return Err(Trouble::Exited);
                }
            }
        }
    }
}

impl Drop for Remote<'_> {
    fn drop(&mut self) {
        // A process that died meanwhile has no registers to put back.
        let mut registers = self.saved;
        arch::rewind_interrupted_call(&mut registers);
        let _gone = ptrace::set_registers(self.tid, &registers);
        let _gone = ptrace::set_signal_mask(self.tid, self.saved_mask);
    }
}
