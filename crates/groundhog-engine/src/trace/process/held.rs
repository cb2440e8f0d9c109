//! Threads of the snapshot that end: each is held at its last call, which everybody else takes for its end, until a restore
//! puts it back where it was. Nothing can bring back one that is gone: not its id, nor what the kernel keeps for it.

use super::Process;
use crate::arch::call;
use groundhog_sys::ptrace::{self, Registers};
use groundhog_sys::{Errno, RemoteAddr, Tid, pidfd, process_vm, robust_list};

/// Every signal: one that ends gets none any more.
const BLOCK_ALL: u64 = !0;
/// Of a call that is not to be made.
const NO_CALL: u64 = u64::MAX;
const FUTEX_WAKE: u64 = 1;

impl Process {
    /// Has a thread that is about to end tell the others so, as the kernel would, and stop there. Others end, and cannot be put
    /// back.
    ///
    /// The first thread is not held: its end shows. Nor is one that holds futexes, which the kernel gives to others.
    pub(super) fn hold(&mut self, tid: Tid, registers: &Registers) {
        let Some(word) = self.cleared_at_end.get(&tid).copied() else { return };
        if !self.threads.get(&tid).is_some_and(|thread| thread.in_snapshot) || !self.holds_no_futex(tid) {
            return;
        }
        let mut last = Registers { orig_rax: NO_CALL, rax: 0, ..*registers };
        // Whoever joins it waits for this word. Where it cannot be written, the kernel goes on without, too.
        if word != RemoteAddr(0) && self.clear(tid, word).is_ok() {
            last = Registers { orig_rax: call::FUTEX, rdi: word.0, rsi: FUTEX_WAKE, rdx: 1, r10: 0, ..last };
        }
        let is_held = ptrace::set_signal_mask(tid, BLOCK_ALL)
            .and_then(|()| ptrace::set_registers(tid, &last))
            .and_then(|()| ptrace::interrupt(tid))
            .is_ok();
        if is_held && let Some(thread) = self.threads.get_mut(&tid) {
            thread.is_held = true;
            self.end_with_its_last_thread();
        }
    }

    fn clear(&self, tid: Tid, word: RemoteAddr) -> groundhog_sys::Result<()> {
        const EPERM: Errno = Errno(1);
        let nothing = 0_u32.to_ne_bytes();
        match process_vm::write(tid, word, &nothing) {
            // It has made itself undumpable.
            Err(EPERM) => process_vm::write_forced(&self.files.mem, word, &nothing),
            written => written,
        }
    }

    /// Whether the kernel would find no futex to give to others when the thread ends. Not where it cannot be told.
    fn holds_no_futex(&self, tid: Tid) -> bool {
        let Ok(head) = robust_list::head(tid) else { return false };
        let mut bytes = [0; robust_list::HEAD_SIZE];
        head == RemoteAddr(0)
            || process_vm::read(tid, &self.files.mem, head, &mut bytes).is_ok_and(|()| {
                let word = |at: usize| u64::from_ne_bytes(std::array::from_fn(|byte| bytes[at + byte]));
                word(0) == head.0 && word(16) == 0
            })
    }

    /// The threads that are held at their ends.
    pub(crate) fn held(&self) -> Vec<Tid> {
        self.threads.iter().filter(|(_, thread)| thread.is_held).map(|(tid, _)| *tid).collect()
    }

    /// Lets the threads that are held go on with the others from now on; says how many they are.
    pub(crate) fn put_back_held(&mut self) -> u64 {
        let held = self.threads.values_mut().filter(|thread| thread.is_held);
        held.map(|thread| thread.is_held = false).count() as u64
    }

    /// Lets threads end from now on: there is no snapshot to put them back to.
    pub(crate) fn hold_no_more(&mut self) {
        self.cleared_at_end.clear();
    }

    /// Ends a process in which all that would run are held: without them it would have ended.
    pub(super) fn end_with_its_last_thread(&self) {
        if !self.threads.is_empty() && self.threads.values().all(|thread| thread.is_held) {
            let _already_dead = pidfd::kill(&*self.pidfd);
        }
    }
}
