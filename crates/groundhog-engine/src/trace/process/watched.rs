//! Calls of the process and its descendants that the seccomp programs stop for us: what each means for the next restore.

use super::Process;
use crate::syscalls::filter;
use crate::syscalls::watch::{self, Caller, Verdict};
use groundhog_sys::ptrace::{self, Registers};
use groundhog_sys::{Errno, Tid};

impl Process {
    /// A thread is about to make a call that one of our programs wants to be seen. `ours`: it is the process's own.
    pub(super) fn note_watched_call(&mut self, tid: Tid, ours: bool) {
        match ptrace::event_message(tid) {
            Ok(filter::ESCAPE) => self.watch.escaped = true,
            Ok(watch::STATE) => {
                let registers = ptrace::registers(tid).ok();
                let verdict = registers.as_ref().map(|registers| self.judge(tid, registers, ours));
                self.watch.seen.note(verdict);
                // This message takes the place of that of the files.
                self.watch.seen.files |= registers.is_none_or(|registers| watch::makes_file(&registers));
            }
            Ok(filter::FILES) => self.watch.seen.files = true,
            // A child's too: it may share the memory.
            message => {
                self.watch.seen.files |= message == Ok(filter::TRUNCATES);
                self.watch.seen.layout_calls += 1;
                self.watch.seen.mapping_flags |= message == Ok(filter::FLAGS)
                    && !ptrace::registers(tid).is_ok_and(|call| self.watch.is_advice_on_new_memory(&call));
            }
        }
    }

    fn judge(&self, tid: Tid, registers: &Registers, ours: bool) -> Verdict {
        if let Some(verdict) = self.judge_named(tid, registers) {
            return verdict;
        }
        let is_new = self.threads.get(&tid).is_none_or(|thread| !thread.in_snapshot);
        let is_ours = |tid| self.threads.contains_key(&tid);
        let caller = Caller { tid, is_new, is_ours: &is_ours };
        if !ours {
            return watch::judge_child(registers, &caller, self.pid);
        }
        match watch::judge(registers, &caller) {
            Verdict::Final(_) if self.watch.is_about_another_file(registers, tid) => Verdict::Harmless,
            verdict => verdict,
        }
    }

    /// The verdict on a call that names another process: what a descendant is set to goes with it, and one in a jail does
    /// not change others, which is refused in the kernel's stead. None: it names nobody, or the process itself.
    fn judge_named(&self, caller: Tid, registers: &Registers) -> Option<Verdict> {
        const EPERM: i64 = 1;
        const ESRCH: Errno = Errno(3);
        let named = Tid(watch::named(registers)?);
        if named == self.pid || named == caller || self.threads.contains_key(&named) {
            return None;
        }
        if self.children.iter().any(|(thread, process)| *thread == named || *process == named) {
            return Some(Verdict::Harmless);
        }
        if self.private.is_empty() {
            return None;
        }
        let refused = Registers { orig_rax: u64::MAX, rax: (-EPERM).cast_unsigned(), ..*registers };
        Some(match ptrace::set_registers(caller, &refused) {
            // A thread that is gone makes no call either.
            Ok(()) | Err(ESRCH) => Verdict::Harmless,
            Err(_) => Verdict::Final("something on another process, which could not be kept from it"),
        })
    }
}
