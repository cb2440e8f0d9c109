//! System calls made inside the stopped process.

use crate::arch::{self, SYSCALL_INSTRUCTION, call};
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::trace::process::{Faults, Process};
use crate::trace::{inspect, registers};
use groundhog_sys::ptrace::{self, Registers};
use groundhog_sys::wait::WaitStatus;
use groundhog_sys::{Errno, PAGE_SIZE, RemoteAddr, Tid, pidfd, process_vm};

const SIGTRAP: i32 = 5;
const SIGSEGV: i32 = 11;
const SIGURG: i32 = 23;
const SIGSYS: i32 = 31;
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
    /// Where no mapping of the snapshot is: memory for arguments is mapped there, as long as it is needed.
    pub(crate) hole: u64,
    /// `SIGTRAP` is not ignored, so that a single step (one stop a call) leaves no trace; else two stops a call.
    pub(crate) single_step: bool,
    /// `SIGSEGV` is not ignored, so that a fault leaves its action as it is.
    pub(crate) may_fault: bool,
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
    /// Memory for arguments is mapped.
    has_scratch: bool,
    /// Calls are made as if it stood on no stack at all.
    off_stack: bool,
}

/// How much memory there is for the arguments of a call: the longest are seccomp programs.
pub(crate) const SCRATCH_SIZE: u64 = 64 * 1024;

/// A call and its arguments.
pub(crate) type Call = (u64, [u64; 6]);

/// The most calls of a list.
pub(crate) const MOST_LISTED: usize = PAGE_SIZE as usize / LISTED_CALL;
const LISTED_CALL: usize = arch::WORDS_OF_LISTED_CALL * 8;
/// Where the list lies in the scratch memory, and the code that goes through it, a page each.
const LIST: u64 = SCRATCH_SIZE - 2 * PAGE_SIZE;
const CODE: u64 = SCRATCH_SIZE - PAGE_SIZE;

/// Finds a `syscall` instruction in the vDSO, which no program unmaps or changes by accident. `hole`: where nothing is mapped
/// for [`SCRATCH_SIZE`] bytes.
pub(crate) fn find_anchor(process: &Process, vdso: (u64, u64), hole: u64) -> Step<Anchor> {
    let mut code = vec![0; (vdso.1 - vdso.0) as usize];
    process_vm::read(process.pid, &process.files.mem, RemoteAddr(vdso.0), &mut code)
        .or_trouble(Reason::RemoteCall, "reading the vDSO")?;
    let at = code.windows(2).position(|pair| pair == SYSCALL_INSTRUCTION);
    let at = at.ok_or_else(|| {
        Trouble::Refused(Reason::RemoteCall, "its vDSO holds no syscall instruction".into())
    })?;
    let status = inspect::status(process.pid, process.pid)?;
    let may_come = |signal: i32| status.sig_ign & 1 << (signal - 1) == 0;
    let (single_step, may_fault) = (may_come(SIGTRAP), may_come(SIGSEGV));
    Ok(Anchor { instruction: RemoteAddr(vdso.0 + at as u64), hole, single_step, may_fault })
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
        // By single steps it shows that the thread was sent elsewhere; else it might come back from there.
        if !anchor.single_step {
            registers::leave_sequence(process, tid)?;
        }
        let saved = ptrace::registers(tid).or_trouble(Reason::Registers, "reading registers")?;
        let saved_mask = ptrace::signal_mask(tid).or_trouble(Reason::Registers, "reading a signal mask")?;
        ptrace::set_signal_mask(tid, BLOCK_ALL).or_trouble(Reason::Registers, "setting a signal mask")?;
        Ok(Self { process, tid, anchor, saved, saved_mask, has_scratch: false, off_stack: false })
    }

    /// Makes all further calls off the thread's stack: an alternate one that it stands on cannot be replaced.
    pub(crate) fn leave_stack(&mut self) {
        self.off_stack = true;
    }

    /// The process.
    pub(crate) fn process(&self) -> &Process {
        self.process
    }

    /// Memory that a call may use, at least so many bytes, until the scope ends.
    ///
    /// A mapping of its own, where the snapshot has none: whatever stack a thread is on, nobody says what lies below it.
    pub(crate) fn scratch(&mut self, len: u64) -> Step<RemoteAddr> {
        const READ_WRITE: u64 = 3;
        const PRIVATE_FIXED_ANONYMOUS: u64 = 0x32;
        if len > SCRATCH_SIZE {
            let message = format!("a call inside it would need {len} bytes of arguments");
            return Err(Trouble::Refused(Reason::RemoteCall, message));
        }
        if !self.has_scratch {
            let arguments =
                [self.anchor.hole, SCRATCH_SIZE, READ_WRITE, PRIVATE_FIXED_ANONYMOUS, u64::MAX, 0];
            self.must("mapping memory for arguments", call::MMAP, arguments)?;
            self.has_scratch = true;
        }
        Ok(RemoteAddr(self.anchor.hole))
    }

    /// Writes `bytes` into [`Self::scratch`].
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Step<RemoteAddr> {
        let addr = self.scratch(bytes.len() as u64)?;
        let mut batch = process_vm::Batch::new();
        batch.push(addr, bytes);
        batch
            .write(self.process.pid, &self.process.files.mem)
            .or_trouble(Reason::RemoteCall, "writing the arguments of a call")?;
        Ok(addr)
    }

    /// Reads what a call wrote.
    pub(crate) fn get(&self, addr: RemoteAddr, bytes: &mut [u8]) -> Step<()> {
        process_vm::read(self.process.pid, &self.process.files.mem, addr, bytes)
            .or_trouble(Reason::RemoteCall, "reading what a call wrote")
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
            let about = ptrace::registers(self.tid).or_trouble(Reason::Registers, "reading registers")?;
            if !arch::makes_call(&about, self.anchor.instruction.0, number, arguments) {
                return Err(not_made(&about));
            }
            self.run_to(ptrace::run_to_syscall, |status| status == WaitStatus::Syscall)?; // exit
        }
        let mut after = ptrace::registers(self.tid).or_trouble(Reason::Registers, "reading registers")?;
        // A SIGTRAP that the request had left pending comes before the instruction; it is meant for nobody now. Or an instruction
        // elsewhere leads back to ours: some set registers, such as the beginning of a transaction, which the processor ends at once.
        for _ in 0..STALE_TRAPS {
            if after.rip != self.anchor.instruction.0 {
                break;
            }
            ptrace::set_registers(self.tid, &registers).or_trouble(Reason::Registers, "setting registers")?;
            self.run_to(ptrace::single_step, |status| status == WaitStatus::Signal(SIGTRAP))?;
            after = ptrace::registers(self.tid).or_trouble(Reason::Registers, "reading registers")?;
        }
        if !arch::has_made_call(&after, self.anchor.instruction.0) {
            return Err(not_made(&after));
        }
        Ok(answer(after.rax))
    }

    /// Makes up to [`MOST_LISTED`] calls, none of which depends on another, and says what each answered.
    ///
    /// By code of ours in the scratch memory, which a thread runs without a stop between two calls. Where it may not be
    /// executed or traps are ignored, or others could send the thread elsewhere meanwhile, one after the other. The last two pages of
    /// the scratch memory are overwritten.
    ///
    /// That the request has it sent nowhere else shows in the call that comes right before, by a single step: after that the kernel
    /// has forgotten its sequence, and nobody of the process sets another one.
    pub(crate) fn call_all(&mut self, calls: &[Call]) -> Step<Vec<groundhog_sys::Result<u64>>> {
        // The code takes a call of its own.
        if calls.len() < 3
            || !self.anchor.single_step
            || !self.write_list(calls)?
            || registers::others_may_divert(self.process, self.tid)
        {
            return calls.iter().map(|(number, arguments)| self.call(*number, *arguments)).collect();
        }
        let RemoteAddr(start) = self.scratch(SCRATCH_SIZE)?;
        let (code, list) = (start + CODE, RemoteAddr(start + LIST));
        let mut registers = self.saved;
        if self.off_stack {
            registers.rsp = 0;
        }
        arch::set_list(&mut registers, code, list.0, calls.len() as u64);
        ptrace::set_registers(self.tid, &registers).or_trouble(Reason::Registers, "setting registers")?;
        // Traps that the request had left pending come before the first instruction, as above.
        for _ in 0..=STALE_TRAPS {
            self.run_to(|tid| ptrace::cont(tid, 0), |status| status == WaitStatus::Signal(SIGTRAP))?;
            let after = ptrace::registers(self.tid).or_trouble(Reason::Registers, "reading registers")?;
            if after.rip == code + arch::CALLING_LIST.len() as u64 {
                return self.results(list, calls.len());
            }
            if after.rip != code {
                let message = format!("calls inside it were not made: it stands at {:#x}", after.rip);
                return Err(Trouble::Refused(Reason::RemoteCall, message));
            }
        }
        Err(Trouble::Refused(
            Reason::RemoteCall,
            "calls inside it were not made: its traps do not end".into(),
        ))
    }

    /// Writes a list of calls, and the code that makes them; says whether that may be executed.
    fn write_list(&mut self, calls: &[Call]) -> Step<bool> {
        const READ_EXECUTE: u64 = 5;
        assert!(calls.len() <= MOST_LISTED, "a list of calls is a page at most");
        let RemoteAddr(start) = self.scratch(SCRATCH_SIZE)?;
        let words = calls.iter().flat_map(|(number, arguments)| {
            std::iter::once(number)
                .chain(arguments)
                .chain(std::iter::once(&0))
                .flat_map(|word| word.to_le_bytes())
        });
        let list: Vec<u8> = words.collect();
        let mut batch = process_vm::Batch::new();
        batch.push(RemoteAddr(start + LIST), &list);
        batch.push(RemoteAddr(start + CODE), &arch::CALLING_LIST);
        batch
            .write(self.process.pid, &self.process.files.mem)
            .or_trouble(Reason::RemoteCall, "writing calls into it")?;
        Ok(self.call(call::MPROTECT, [start + CODE, PAGE_SIZE, READ_EXECUTE, 0, 0, 0])?.is_ok())
    }

    /// What the calls of a list answered.
    fn results(&self, list: RemoteAddr, calls: usize) -> Step<Vec<groundhog_sys::Result<u64>>> {
        let mut bytes = vec![0; calls * LISTED_CALL];
        self.get(list, &mut bytes)?;
        let result = |call: &[u8]| u64::from_le_bytes(*call.last_chunk().expect("a call has several words"));
        Ok(bytes.chunks_exact(LISTED_CALL).map(|call| answer(result(call))).collect())
    }

    /// Has the thread fault where nothing is mapped, which nobody is told of, and make a call.
    ///
    /// The kernel keeps the address and the kind of a thread's last fault or step, and tells them to the handlers of all later
    /// signals. After this they are the same every time. Before any other call of the scope.
    pub(crate) fn forget_faults(&mut self) -> Step<()> {
        const ALL_BUT_FAULTS: u64 = !(1 << (SIGSEGV - 1));
        let set_mask = |tid, mask| {
            ptrace::set_signal_mask(tid, mask).or_trouble(Reason::Registers, "setting a signal mask")
        };
        let mut registers = self.saved;
        arch::set_call(&mut registers, self.anchor.hole, call::GETPID, [0; 6]);
        ptrace::set_registers(self.tid, &registers).or_trouble(Reason::Registers, "setting registers")?;
        set_mask(self.tid, ALL_BUT_FAULTS)?;
        self.run_to(|tid| ptrace::cont(tid, 0), |status| status == WaitStatus::Signal(SIGSEGV))?;
        set_mask(self.tid, BLOCK_ALL)?;
        self.must("getpid", call::GETPID, [0; 6]).map(drop)
    }

    /// Has the thread, which is not the first one, send the process a signal and take it, which nobody is told of.
    ///
    /// The kernel remembers which thread took the last signal that the first one did not, and begins with that one the next
    /// time (`signal->curr_target`). All others are stopped, so that it is this one.
    pub(crate) fn take_signals_to_process(&mut self) -> Step<()> {
        // A step whose SIGTRAP is blocked would set its action to the default.
        const ALL_BUT_SIGURG: u64 = BLOCK_ALL & !(1 << (SIGURG - 1));
        let set_mask = |tid, mask| {
            ptrace::set_signal_mask(tid, mask).or_trouble(Reason::Registers, "setting a signal mask")
        };
        let pid = self.must("getpid", call::GETPID, [0; 6])?;
        set_mask(self.tid, ALL_BUT_SIGURG)?;
        self.must("kill", call::KILL, [pid, SIGURG as u64, 0, 0, 0, 0])?;
        // It comes before the next instruction. If it did not, that one would.
        let came = std::cell::Cell::new(false);
        self.run_to(ptrace::single_step, |status| {
            came.set(status == WaitStatus::Signal(SIGURG));
            came.get() || status == WaitStatus::Signal(SIGTRAP)
        })?;
        set_mask(self.tid, BLOCK_ALL)?;
        if came.get() {
            Ok(())
        } else {
            Err(Trouble::Refused(Reason::Signals, "a signal that a thread sent did not reach it".into()))
        }
    }

    /// Makes a call that must succeed; `what` says what for.
    pub(crate) fn must(&mut self, what: &str, number: u64, arguments: [u64; 6]) -> Step<u64> {
        self.call(number, arguments)?.map_err(|errno| failed(what, errno))
    }

    /// Makes calls as [`Self::call_all`], each of which must succeed.
    pub(crate) fn must_all(&mut self, what: &str, calls: &[Call]) -> Step<()> {
        self.call_all(calls)?
            .into_iter()
            .try_for_each(|answer| answer.map(drop).map_err(|errno| failed(what, errno)))
    }

    /// Installs a seccomp program in all threads of a process that has `no_new_privs`; says whether that worked.
    pub(crate) fn install_filter(&mut self, program: &[u64]) -> Step<bool> {
        const SET_MODE_FILTER: u64 = 1;
        const TSYNC: u64 = 1;
        let len = (program.len() * 8 + 16) as u64;
        let start = self.scratch(len)?;
        // struct sock_fprog { unsigned short len; struct sock_filter *filter; }, then the instructions.
        let mut bytes = (program.len() as u64).to_le_bytes().to_vec();
        bytes.extend((start.0 + 16).to_le_bytes());
        bytes.extend(program.iter().flat_map(|word| word.to_le_bytes()));
        let start = self.put(&bytes)?;
        let installed = self.call(call::SECCOMP, [SET_MODE_FILTER, TSYNC, start.0, 0, 0, 0])?;
        Ok(installed == Ok(0))
    }

    /// Resumes the thread by `resume`, until it stops as wanted.
    fn run_to(
        &mut self,
        resume: impl Fn(Tid) -> groundhog_sys::Result<()>,
        wanted: impl Fn(WaitStatus) -> bool,
    ) -> Step<()> {
        let mut faults = Faults::default();
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
                // It would go on behind the instruction, in the code that follows there.
                WaitStatus::Signal(SIGSYS) => {
                    let message = "a call inside it was not made: it became a signal".into();
                    return Err(Trouble::Refused(Reason::RemoteCall, message));
                }
                WaitStatus::Signal(signal) => {
                    faults.note(self.tid, WaitStatus::Signal(signal))?;
                    self.process.hold_signal(self.tid, signal);
                }
                status @ (WaitStatus::Exited(_) | WaitStatus::Killed(_) | WaitStatus::Event(_)) => {
                    self.process.note_outcome(self.tid, status);
                    return Err(Trouble::Exited);
                }
            }
        }
    }
}

fn not_made(registers: &Registers) -> Trouble {
    let message = format!("a call inside it was not made: it stands at {:#x}", registers.rip);
    Trouble::Refused(Reason::RemoteCall, message)
}

/// Never "gone": the thread just answered.
fn failed(what: &str, errno: Errno) -> Trouble {
    Trouble::Refused(Reason::RemoteCall, format!("{what} inside it: {errno}"))
}

/// What a call answered, from what the kernel left in its register.
fn answer(result: u64) -> groundhog_sys::Result<u64> {
    Errno::from_raw_result(result.cast_signed()).map_or(Ok(result), Err)
}

impl Drop for Remote<'_> {
    fn drop(&mut self) {
        let unmapped = if self.has_scratch {
            self.call(call::MUNMAP, [self.anchor.hole, SCRATCH_SIZE, 0, 0, 0, 0])
        } else {
            Ok(Ok(0))
        };
        let mut registers = self.saved;
        arch::rewind_interrupted_call(&mut registers);
        let restored = ptrace::set_registers(self.tid, &registers)
            .and_then(|()| ptrace::set_signal_mask(self.tid, self.saved_mask));
        if !matches!(unmapped, Ok(Ok(_))) || restored.is_err() {
            // Nobody would look for it later, and it does not go on where it was.
            let _already_dead = pidfd::kill(&*self.process.pidfd);
        }
    }
}
