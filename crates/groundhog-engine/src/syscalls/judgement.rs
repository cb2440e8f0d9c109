//! What a call that the kernel shows us means for the next restore, by its row in the policy.
//!
//! A call is judged on its way, before it has been made: the tables of descriptors are still as it found them. What a
//! child does to itself goes with it; what it does to its parent, to files that both have open, to memory that both have, or
//! to the machine counts as if the parent had done it.

use super::observed::Observed;
use super::policy::{self, Action, Clause, Effect, Scope, StateKind, When};
use super::programs::LAYOUT;
use crate::arch::ADDRESS_SPACE_END;
use crate::duplicate::Duplicate;
use groundhog_sys::ptrace::Registers;
use groundhog_sys::{Errno, PAGE_SIZE, Tid, kcmp};
use std::collections::BTreeSet;
use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::Arc;
use syscalls::Sysno;

mod control;
mod removing;

const EPERM: Errno = Errno(1);
const EINTR: Errno = Errno(4);
const EINVAL: Errno = Errno(22);

/// A call that is about to be made.
pub(crate) struct Call<'a> {
    /// Who makes it.
    pub(crate) caller: Tid,
    /// The process that the caller is a thread of.
    pub(crate) group: Tid,
    /// The traced process.
    pub(crate) process: Tid,
    /// The caller is one of its threads, not a descendant.
    pub(crate) is_ours: bool,
    /// The caller is a thread that the snapshot does not have.
    pub(crate) is_new: bool,
    /// Whether nobody else has the memory of the caller.
    pub(crate) is_alone: &'a dyn Fn() -> bool,
    /// The process has living descendants.
    pub(crate) has_children: bool,
    /// All mappings of the caller from the first to the second address are private, and there are some.
    pub(crate) is_private: &'a dyn Fn((u64, u64)) -> bool,
    /// They are private, and of no file.
    pub(crate) is_anonymous: &'a dyn Fn((u64, u64)) -> bool,
    /// What the program said in the message of the stop.
    pub(crate) message: u64,
    /// Threads of the traced process.
    pub(crate) is_thread: &'a dyn Fn(Tid) -> bool,
    /// Descendants of it, and their threads.
    pub(crate) is_descendant: &'a dyn Fn(Tid) -> bool,
}

/// What is told of a descriptor: the thread whose it is, and its number.
pub(crate) type OfDescriptor = Box<dyn Fn(Tid, i32) -> bool>;

/// What judging needs to know of the snapshot.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub(crate) struct Facts {
    /// The open files of the snapshot by number.
    pub(crate) originals: Vec<(i32, Arc<Duplicate>)>,
    /// Where its mappings are, in order.
    pub(crate) mappings: Vec<(u64, u64)>,
    /// Where those are of which nobody but their flags may tell that they were replaced, in order.
    pub(crate) unfollowed: Vec<Range<u64>>,
    /// Its break.
    pub(crate) brk: u64,
    /// It has a terminal open.
    pub(crate) has_terminal: bool,
    /// It has a socket that shares its port with whoever asks for that, too.
    pub(crate) shares_port: bool,
    /// It has a file without a name open.
    pub(crate) has_nameless_file: bool,
    /// It does not reach other processes of its user.
    pub(crate) is_jailed: bool,
    /// A request may write to a file, so that its pages may not be handed on.
    pub(crate) may_be_rewritten: Option<OfDescriptor>,
    /// It is a pipe by which this process speaks with the program.
    pub(crate) is_our_pipe: Option<OfDescriptor>,
    /// Threads of which a call was interrupted that the kernel goes on with by `restart_syscall`.
    pub(crate) interrupted: BTreeSet<Tid>,
}

impl std::fmt::Debug for Facts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Facts").field("originals", &self.originals).finish_non_exhaustive()
    }
}

impl Call<'_> {
    /// Whether the caller has the memory of the process, as one of its threads or a child that borrows it.
    fn is_in_our_memory(&self) -> bool {
        self.is_ours || kcmp::same_memory(self.caller, self.process).unwrap_or(true)
    }
}

/// Books what a call means; answers the error with which it is to be refused in the kernel's stead.
///
/// `registers`: none when they could not be read, which cannot be told from a call of the worst kind.
pub(crate) fn judge(
    call: &Call<'_>,
    registers: Option<&Registers>,
    facts: &Facts,
    seen: &mut Observed,
) -> Option<Errno> {
    let Some(registers) = registers else {
        if call.message == LAYOUT {
            seen.layout_calls += 1;
            seen.mapping_flags = true;
        } else {
            seen.retire("something that could not be read");
        }
        return None;
    };
    let arguments = [registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9];
    let known = usize::try_from(registers.orig_rax).ok().and_then(Sysno::new);
    if let Some(number) = known.filter(|_| call.is_in_our_memory()) {
        removing::book(number, &arguments, facts, seen);
    }
    if call.message == LAYOUT {
        seen.layout_calls += 1;
        return None;
    }
    let rule = known.and_then(|number| Some((number, policy::rule(number)?)));
    let Some((number, clauses)) = rule.and_then(|(number, rule)| Some((number, rule.clauses(&arguments)?)))
    else {
        // The program that refuses these was asked first.
        seen.retire(format!("system call {}", registers.orig_rax.cast_signed()));
        return None;
    };
    *seen.stops.entry(number.name()).or_default() += 1;
    let judged = Judged { call, registers, arguments, facts, number };
    let mut denied = None;
    for clause in clauses {
        denied = denied.or(judged.book(*clause, seen));
    }
    denied
}

/// One call while it is judged.
struct Judged<'a> {
    call: &'a Call<'a>,
    registers: &'a Registers,
    arguments: [u64; 6],
    facts: &'a Facts,
    number: Sysno,
}

/// Whom a call is about.
enum Whose {
    /// Nobody who will be there, or be reached, by the next request.
    Nobody,
    /// The traced process.
    Ours,
    /// Another process.
    Others,
}

impl Judged<'_> {
    fn value(&self, argument: u8) -> u32 {
        self.arguments[usize::from(argument)] as u32
    }

    fn name(&self) -> String {
        self.number.name().to_owned()
    }

    /// The descriptors of the snapshot that a number in an argument stands for, for whoever calls.
    ///
    /// What cannot be compared counts as one.
    fn in_snapshot(&self, argument: u8) -> Vec<i32> {
        let number = self.value(argument).cast_signed();
        let stands_for = |(_, file): &&(i32, Arc<Duplicate>)| {
            !matches!(kcmp::same_open_file(self.call.caller, number, file.as_fd()), Ok(false) | Err(Errno(9)))
        };
        let originals = &self.facts.originals;
        // As good as always it is the one of that number.
        let own = originals.iter().filter(|(original, _)| *original == number);
        let found: Vec<i32> = own.filter(stands_for).map(|(original, _)| *original).collect();
        if found.is_empty() {
            originals.iter().filter(stands_for).map(|(original, _)| *original).collect()
        } else {
            found
        }
    }

    fn holds(&self, when: When) -> bool {
        match when {
            When::Always => true,
            When::Is(argument, value) => self.value(argument) == value,
            When::IsNot(argument, value) => self.value(argument) != value,
            When::Has(argument, mask, value) => self.value(argument) & mask == value,
            When::Points(argument) => self.arguments[usize::from(argument)] != 0,
            When::AtLeast(argument, value) => self.value(argument) >= value,
            When::WholeAtLeast(argument, value) => self.arguments[usize::from(argument)] >= value,
            When::Snapshot(argument) | When::Watched(argument) | When::Socket(argument) => {
                !self.in_snapshot(argument).is_empty()
            }
            When::All(parts) => parts.iter().all(|part| self.holds(*part)),
        }
    }

    fn book(&self, clause: Clause, seen: &mut Observed) -> Option<Errno> {
        // A number of the snapshot may stand for another file by now, and is put back all the same.
        let of_numbers = matches!(clause.action, Action::See(Effect::Numbers | Effect::Closes, _));
        if !of_numbers && !self.holds(clause.when) && !self.may_be_exchanged(clause) {
            return None;
        }
        match clause.action {
            Action::Refuse(..) => None, // by the kernel
            Action::Deny(errno, _) => Some(errno),
            Action::See(effect, _) => self.book_effect(effect, seen),
        }
    }

    /// Whether a number of the snapshot stands for something else, and another thread could put its open file back there before the
    /// call is made, which adds it to a set or takes it out.
    fn may_be_exchanged(&self, clause: Clause) -> bool {
        let (Action::See(Effect::Members(_), _), When::Snapshot(argument)) = (clause.action, clause.when)
        else {
            return false;
        };
        let number = self.value(argument).cast_signed();
        self.facts.originals.iter().any(|(original, _)| *original == number) && !(self.call.is_alone)()
    }

    fn book_effect(&self, effect: Effect, seen: &mut Observed) -> Option<Errno> {
        match effect {
            Effect::Layout => seen.layout_calls += 1,
            Effect::MappingFlags => seen.mapping_flags |= !self.is_on_new_memory(),
            Effect::MemoryPolicy => self.book_policy(seen),
            Effect::Moves => self.book_move(seen),
            Effect::Truncation => {
                seen.files = true;
                seen.layout_calls += 1;
            }
            Effect::Files => seen.files = true,
            Effect::Inodes => seen.inodes = true,
            Effect::Sets(kind, scope) => return self.book_state(kind, scope, seen),
            Effect::Retires(scope) => return self.book_retirement(scope, seen),
            Effect::SignalAction => {
                if self.call.is_ours
                    && let signal @ 1..=64 = self.value(0)
                {
                    seen.actions |= 1 << (signal - 1);
                }
            }
            Effect::Signals => {
                seen.signalled = true;
                seen.signalled_as_a_whole |= self.is_signal_to_process();
            }
            Effect::AsksForSignals => seen.signalled_as_a_whole = true,
            // A child has a table of its own.
            Effect::Closes | Effect::Numbers => seen.numbers |= self.call.is_ours,
            Effect::Duplicates(argument) => {
                seen.numbers |= self.call.is_ours;
                // A child's, too: the flags are the open file's.
                seen.status_flags = true;
                let originals = self.in_snapshot(argument);
                seen.duplicated |= !originals.is_empty();
                seen.open_files.extend(originals);
                seen.settle_doubts();
            }
            Effect::StatusFlags(_) => seen.status_flags = true,
            // In a set of the snapshot; of others nothing is left.
            Effect::OpenFile(argument) => seen.open_files.extend(self.in_snapshot(argument)),
            Effect::Members(argument) => {
                const EPOLL_CTL_MOD: u32 = 3;
                let sets = self.in_snapshot(argument);
                if self.value(1) != EPOLL_CTL_MOD {
                    let is_certain = self.holds(When::Snapshot(2));
                    seen.rearranged |= is_certain && !sets.is_empty();
                    seen.rearranged_beside_others |= !(self.call.is_alone)();
                }
                seen.open_files.extend(sets);
                seen.settle_doubts();
            }
            Effect::TimerDescriptor(_) => seen.timers = true,
            Effect::SocketOption(argument) => {
                let sockets = self.in_snapshot(argument);
                if let Some(name) = self.timeout() {
                    seen.timeouts.extend(sockets.iter().map(|number| (*number, name)));
                }
                seen.socket_options.extend(sockets);
            }
            Effect::ReadsAhead(argument) => {
                if !self.in_snapshot(argument).is_empty() {
                    seen.retire(self.name());
                }
                seen.set_reading_beside_others |= !(self.call.is_alone)();
                seen.settle_doubts();
            }
            Effect::Transfer(argument) => seen.called.extend(self.in_snapshot(argument)),
            Effect::Corks(argument) => seen.corked.extend(self.in_snapshot(argument)),
            Effect::Shuts(argument) => seen.shut.extend(self.in_snapshot(argument)),
            Effect::Control => {
                if control::is_sent(self.number, self.registers, self.call, self.facts) {
                    seen.retire(format!("{}, by which descriptors were handed on", self.name()));
                }
            }
            Effect::Questions(argument) => return self.refuse_questions(argument),
            Effect::Terminal if self.facts.has_terminal => seen.retire(self.name()),
            Effect::SharesPort if self.facts.shares_port => {
                seen.retire(format!("{}, to share a port", self.name()));
            }
            Effect::Names if self.facts.has_nameless_file => seen.retire(self.name()),
            Effect::SharesPages(from, to) => {
                let [from, to] = [from, to].map(|argument| self.value(argument).cast_signed());
                let is =
                    |told: Option<&OfDescriptor>, number| told.is_none_or(|of| of(self.call.caller, number));
                let is_denied = is(self.facts.may_be_rewritten.as_ref(), from)
                    || [from, to].into_iter().any(|number| is(self.facts.is_our_pipe.as_ref(), number));
                return is_denied.then_some(EINVAL);
            }
            Effect::Restarts => {
                // A program of its own can have any call answer what stands for an interrupted one.
                let may_go_on = !seen.escaped && self.facts.interrupted.contains(&self.call.caller);
                return (!may_go_on).then_some(EINTR);
            }
            // Of what the snapshot has not. And whether a thread is of the snapshot, and can be held, who follows the threads knows.
            Effect::Terminal | Effect::SharesPort | Effect::Names | Effect::EndsThread => {}
            Effect::Escapes => seen.escaped = true,
        }
        None
    }

    fn refuse_questions(&self, argument: u8) -> Option<Errno> {
        let number = self.value(argument).cast_signed();
        (self.value(2) > 1 && control::asks_kernel(self.call, number)).then_some(EINVAL)
    }

    /// Which of the two times a call sets that a socket waits for at most, by its first name.
    fn timeout(&self) -> Option<u32> {
        const SOL_SOCKET: u32 = 1;
        /// `SO_RCVTIMEO`, `SO_SNDTIMEO`, each with the one that has its name with `_NEW`.
        const TIMEOUTS: [[u32; 2]; 2] = [[20, 66], [21, 67]];
        let is_it = |names: &&[u32; 2]| self.value(1) == SOL_SOCKET && names.contains(&self.value(2));
        TIMEOUTS.iter().find(is_it).map(|names| names[0])
    }

    /// Whether a call sends a signal to the traced process as a whole, and not to one of its threads.
    fn is_signal_to_process(&self) -> bool {
        let named = Tid(self.value(0).cast_signed());
        let is_to_process = match self.number {
            Sysno::kill | Sysno::rt_sigqueueinfo => {
                named.0 <= 0 || named == self.call.process || (self.call.is_thread)(named)
            }
            Sysno::pidfd_send_signal => true,
            _ => false,
        };
        is_to_process && self.value(1) != 0
    }

    fn book_state(&self, kind: StateKind, scope: Scope, seen: &mut Observed) -> Option<Errno> {
        let of_thread = scope == Scope::Thread || kind == StateKind::Scheduling;
        match self.whose(scope, of_thread) {
            Whose::Nobody => None,
            Whose::Ours => {
                let number = self.value(0).cast_signed();
                seen.touched.note(kind, self.call.caller, number);
                if self.number == Sysno::timer_delete {
                    seen.touched.note_deletion(number);
                }
                if kind == StateKind::MemoryLocks {
                    // Mappings were split, and have other flags.
                    seen.layout_calls += 1;
                    seen.mapping_flags = true;
                }
                None
            }
            Whose::Others => Some(EPERM),
        }
    }

    fn book_retirement(&self, scope: Scope, seen: &mut Observed) -> Option<Errno> {
        match self.whose(scope, scope == Scope::Thread) {
            Whose::Nobody => None,
            Whose::Ours => {
                seen.retire(self.name());
                None
            }
            Whose::Others => Some(EPERM),
        }
    }

    fn whose(&self, scope: Scope, of_thread: bool) -> Whose {
        let Call { caller, process, is_ours, is_new, .. } = *self.call;
        let own = if is_ours && !(of_thread && is_new) { Whose::Ours } else { Whose::Nobody };
        match scope {
            Scope::Thread | Scope::Process => own,
            Scope::Memory if self.call.is_in_our_memory() => Whose::Ours,
            Scope::Memory => Whose::Nobody,
            Scope::Machine | Scope::File => Whose::Ours,
            Scope::Named(argument) | Scope::NamedIf(argument, _) => {
                let named = Tid(self.value(argument).cast_signed());
                if named.0 == 0 || named == caller {
                    own
                } else if named == process || (self.call.is_thread)(named) {
                    Whose::Ours
                } else if (self.call.is_descendant)(named) {
                    Whose::Nobody
                } else {
                    Whose::Others
                }
            }
        }
    }

    /// Whether a call is about memory that the process has mapped since the snapshot. A restore unmaps that, and what moves
    /// from there to a place of the snapshot is noticed by its move.
    fn is_on_new_memory(&self) -> bool {
        if !matches!(self.number, Sysno::madvise | Sysno::mbind) {
            return false;
        }
        let Some(Range { start, end }) = self.range() else { return false };
        let mappings = &self.facts.mappings;
        let next = mappings.partition_point(|mapping| mapping.1 <= start);
        mappings.get(next).is_none_or(|mapping| end <= mapping.0)
    }

    /// Books a policy for memory. That of shared memory belongs to its file; what is moved to a place of the snapshot takes its own
    /// there.
    fn book_policy(&self, seen: &mut Observed) {
        let range = self.range().filter(|range| {
            self.is_on_new_memory()
                && (self.call.is_private)((range.start, range.end))
                && ((self.call.is_alone)() || !overlaps(&seen.moved, range))
        });
        match range {
            Some(range) => {
                seen.layout_calls += 1;
                removing::note(&mut seen.policies, range);
            }
            None => seen.retire(self.name()),
        }
    }

    fn book_move(&self, seen: &mut Observed) {
        match self.range() {
            Some(range) if !overlaps(&seen.policies, &range) => removing::note(&mut seen.moved, range),
            _ => seen.retire(format!("{}, of memory with a policy of its own", self.name())),
        }
    }

    /// The memory that is named by the first two arguments, in whole pages.
    fn range(&self) -> Option<Range<u64>> {
        let (start, length) = (self.registers.rdi, self.registers.rsi);
        let end = start.checked_add(length)?.checked_next_multiple_of(PAGE_SIZE)?;
        (end <= ADDRESS_SPACE_END).then_some(start..end)
    }
}

fn overlaps(ranges: &[Range<u64>], range: &Range<u64>) -> bool {
    ranges.iter().any(|other| other.start < range.end && range.start < other.end)
}

#[cfg(test)]
mod real_programs;
#[cfg(test)]
mod tests;
