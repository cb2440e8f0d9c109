//! Calls of a request that change what the kernel keeps of the process and a restore cannot put back.
//!
//! A seccomp program, installed at the snapshot, lets each of them stop for us on its way. They work as ever, and cost
//! nothing to a request that makes none; but a process that made one is not restored, it is replaced. Warm-up may do what
//! it likes.

mod calls;

use calls::{
    BIND, BY_PID, CLOSE, CLOSE_RANGE, CLOSE_RANGE_UNSHARE, DUP, DUP2, DUP3, EPOLL_CTL, F_DUPFD,
    F_DUPFD_CLOEXEC, F_SETFD, FCNTL, FIOCLEX, FIONCLEX, IOCTL, KILL, ON_DESCRIPTOR, ON_MEMORY, OUTLIVING,
    PIDFD_SEND_SIGNAL, PR_SET_NAME, PRCTL, PRCTL_ON_MEMORY, RT_SIGACTION, RT_SIGQUEUEINFO, RT_TGSIGQUEUEINFO,
    TGKILL, TKILL, WITH_COMMAND, X32, name_of,
};
pub(crate) use calls::{STATE, program};
use groundhog_sys::ptrace::Registers;
use groundhog_sys::{Tid, kcmp};

/// How the kernel tells of calls (see `filter`), and what it has told.
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each with a name")]
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// It is to tell of calls that change the layout, from the snapshot on.
    pub(crate) wanted: bool,
    /// It does.
    pub(crate) works: bool,
    /// How many seccomp filters bound the process when it started: ours, and those of the container.
    pub(crate) filters_at_start: u32,
    /// The process installed a filter of its own.
    pub(crate) escaped: bool,
    /// The programs that see the other calls are installed.
    pub(crate) sees_state: bool,
    /// The descriptors whose calls they see.
    pub(crate) descriptors: Vec<i32>,
    /// What there was since this was last taken.
    pub(crate) seen: Seen,
}

/// What calls there were.
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each with a name")]
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// How many that change the layout.
    pub(crate) layout_calls: u64,
    /// Some that change the flags of mappings.
    pub(crate) mapping_flags: bool,
    /// One whose effect cannot be put back.
    pub(crate) state_call: Option<&'static str>,
    /// Descriptors of the snapshot were closed, replaced or flagged, if only for a while.
    pub(crate) descriptors: bool,
    /// Descriptors of the snapshot that were duplicated, so that what was done to them was not seen, or epoll sets that
    /// may have changed.
    pub(crate) duplicated: Vec<i32>,
    /// Signals whose action was set, bit n-1 for signal n.
    pub(crate) actions: u64,
    /// Signals were sent, which may wait where only a closer look finds them.
    pub(crate) signalled: bool,
    /// Files may have been changed.
    pub(crate) files: bool,
}

impl Seen {
    /// Books what a call means; none: it could not be read.
    pub(crate) fn note(&mut self, verdict: Option<Verdict>) {
        match verdict {
            Some(Verdict::SignalAction(signal @ 1..=64)) => self.actions |= 1 << (signal - 1),
            // The kernel refuses any other signal.
            Some(Verdict::Harmless | Verdict::SignalAction(_)) => {}
            Some(Verdict::Descriptors(duplicated)) => {
                self.descriptors = true;
                self.duplicated.extend(duplicated);
            }
            Some(Verdict::Signals) => self.signalled = true,
            Some(Verdict::Final(call)) => drop(self.state_call.get_or_insert(call)),
            None => drop(self.state_call.get_or_insert("something that could not be read")),
        }
    }
}

/// What a seen call means for the restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Harmless,
    /// The action of this signal is to be set back.
    SignalAction(u64),
    /// Descriptors of the snapshot are to be looked at one by one; the one that was duplicated, if one was.
    Descriptors(Option<i32>),
    /// Signals that wait are to be looked for closely.
    Signals,
    /// It cannot be put back: the call's name.
    Final(&'static str),
}

/// Judges the call that a stopped thread is about to make.
///
/// What a new thread sets for itself is gone when it is ended, and runtimes do so in every thread that they start.
pub(crate) fn judge(registers: &Registers, new_thread: bool) -> Verdict {
    let number = number_of(registers);
    if number == RT_SIGACTION {
        return Verdict::SignalAction(registers.rdi & 0xffff_ffff);
    }
    if sends_signals(number) {
        return Verdict::Signals;
    }
    if number == EPOLL_CTL {
        // What the set holds can be compared, as with a duplicate.
        return Verdict::Descriptors(Some(registers.rdi as i32));
    }
    if let Some(verdict) = on_number(registers) {
        return verdict;
    }
    let own = match number {
        131 | 218 | 238 | 273 => true,
        PRCTL => registers.rdi == PR_SET_NAME,
        _ => false,
    };
    if own && new_thread { Verdict::Harmless } else { Verdict::Final(name_of(number)) }
}

/// Judges the call that a stopped child is about to make.
///
/// What it sets for itself is gone with it. But it may name its parent, share memory and open files with it, and make
/// objects that outlive both.
pub(crate) fn judge_child(registers: &Registers, child: Tid, parent: Tid) -> Verdict {
    let number = number_of(registers);
    if sends_signals(number) {
        return Verdict::Signals;
    }
    let outlives = OUTLIVING.contains(&number);
    let names_another = match number {
        // Priorities and I/O priorities: by process, by group, by user.
        141 => registers.rdi != 0 || !is_own(registers.rsi, child),
        251 => registers.rdi != 1 || !is_own(registers.rsi, child),
        _ => BY_PID.contains(&number) && !is_own(registers.rdi, child),
    };
    let shares_memory = || kcmp::same_memory(child, parent).unwrap_or(true);
    let on_memory = match number {
        PRCTL => PRCTL_ON_MEMORY.contains(&registers.rdi),
        _ => ON_MEMORY.contains(&number),
    };
    let is_shared = |number: u64| {
        let number = number as i32;
        kcmp::same_open_file_of(child, number, parent, number).unwrap_or(false)
    };
    let listed = ON_DESCRIPTOR.iter().any(|(call, ..)| *call == number)
        || WITH_COMMAND.iter().any(|(call, ..)| *call == number);
    let on_open_file = listed && on_number(registers).is_none() && is_shared(registers.rdi);
    if outlives || names_another || on_open_file || (on_memory && shares_memory()) {
        Verdict::Final(name_of(number))
    } else {
        Verdict::Harmless
    }
}

/// Whether a call that is seen for another reason makes a name in a file system.
pub(crate) fn makes_file(registers: &Registers) -> bool {
    number_of(registers) == BIND
}

fn number_of(registers: &Registers) -> i64 {
    (registers.orig_rax & !X32).cast_signed()
}

/// Whether a process id in an argument means the caller.
fn is_own(argument: u64, caller: Tid) -> bool {
    let id = argument as i32;
    id == 0 || id == caller.0
}

fn sends_signals(number: i64) -> bool {
    matches!(number, KILL | TKILL | TGKILL | RT_SIGQUEUEINFO | RT_TGSIGQUEUEINFO | PIDFD_SEND_SIGNAL)
}

/// The verdict on a call that sets what a number stands for, which can be looked at afterwards.
fn on_number(registers: &Registers) -> Option<Verdict> {
    let first = registers.rdi as i32;
    let duplicated = match number_of(registers) {
        CLOSE => None,
        // Without that flag: with it, a thread has a table of its own.
        CLOSE_RANGE if registers.rdx & CLOSE_RANGE_UNSHARE == 0 => None,
        FCNTL if registers.rsi == F_SETFD => None,
        IOCTL if matches!(registers.rsi, FIONCLEX | FIOCLEX) => None,
        DUP | DUP2 | DUP3 => Some(first),
        FCNTL if matches!(registers.rsi, F_DUPFD | F_DUPFD_CLOEXEC) => Some(first),
        _ => return None,
    };
    Some(Verdict::Descriptors(duplicated))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calling(number: u64, first: u64) -> Registers {
        let mut registers = groundhog_sys::ptrace::empty_registers();
        (registers.orig_rax, registers.rdi) = (number, first);
        registers
    }

    #[test]
    fn calls_are_known_by_name() {
        assert_eq!(judge(&calling(38, 0), false), Verdict::Final("setitimer"));
        assert_eq!(judge(&calling(157, 4), true), Verdict::Final("prctl"));
        let mut locking = calling(FCNTL.cast_unsigned() | X32, 3);
        locking.rsi = 6;
        assert_eq!(judge(&locking, false), Verdict::Final("fcntl"));
    }

    #[test]
    fn what_becomes_of_descriptors_can_be_looked_at() {
        assert_eq!(judge(&calling(33, 5), false), Verdict::Descriptors(Some(5)));
        let mut setting_the_flag = calling(72, 3);
        setting_the_flag.rsi = F_SETFD;
        assert_eq!(judge(&setting_the_flag, false), Verdict::Descriptors(None));
    }

    #[test]
    fn a_descriptor_table_of_ones_own_is_final() {
        let mut unsharing = calling(436, 3);
        assert_eq!(judge(&unsharing, false), Verdict::Descriptors(None));
        unsharing.rdx = CLOSE_RANGE_UNSHARE;
        assert_eq!(judge(&unsharing, false), Verdict::Final("close_range"));
    }

    #[test]
    fn a_child_may_set_what_is_its_own() {
        let (child, parent) = (Tid(7), Tid(5));
        assert_eq!(judge_child(&calling(203, 0), child, parent), Verdict::Harmless);
        assert_eq!(judge_child(&calling(203, 7), child, parent), Verdict::Harmless);
        assert_eq!(judge_child(&calling(203, 5), child, parent), Verdict::Final("sched_setaffinity"));
        assert_eq!(judge_child(&calling(95, 0), child, parent), Verdict::Harmless);
        assert_eq!(judge_child(&calling(29, 0), child, parent), Verdict::Final("shmget"));
        assert_eq!(judge_child(&calling(62, 5), child, parent), Verdict::Signals);
    }

    #[test]
    fn a_signals_action_can_be_set_back() {
        assert_eq!(judge(&calling(13, 33), true), Verdict::SignalAction(33));
    }

    #[test]
    fn what_a_new_thread_sets_for_itself_does_not_count() {
        assert_eq!(judge(&calling(157, PR_SET_NAME), true), Verdict::Harmless);
        assert_eq!(judge(&calling(131, 1), true), Verdict::Harmless);
        assert_eq!(judge(&calling(157, PR_SET_NAME), false), Verdict::Final("prctl"));
    }
}
