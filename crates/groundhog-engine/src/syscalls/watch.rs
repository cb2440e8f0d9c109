//! Calls of a request that change what the kernel keeps of the process and a restore cannot put back.
//!
//! A seccomp program, installed at the snapshot, lets each of them stop for us on its way. They work as ever, and cost
//! nothing to a request that makes none; but a process that made one is not restored, it is replaced. Warm-up may do what
//! it likes.

mod calls;
pub(crate) mod control;
mod kinds;

use crate::arch::ADDRESS_SPACE_END;
use crate::kernel_state::{Kind, Touched};
use crate::syscalls::filter::MADVISE;
use calls::{
    BIND, BY_PID, CLOSE, CLOSE_RANGE, CLOSE_RANGE_UNSHARE, DUP, DUP2, DUP3, EPOLL_CTL, F_SETFD, F_SETFL,
    FCNTL, FINAL_COMMANDS, FIOASYNC, FIOCLEX, FIONBIO, FIONCLEX, FLOCK, IOCTL, KILL, ON_DESCRIPTOR,
    ON_MEMORY, OUTLIVING, PIDFD_SEND_SIGNAL, PRCTL, PRCTL_ON_MEMORY, RT_SIGACTION, RT_SIGQUEUEINFO,
    RT_TGSIGQUEUEINFO, SHUTDOWN, TGKILL, TKILL, TRANSFERS, WITH_COMMAND, X32, name_of,
};
pub(crate) use calls::{STATE, program};
use groundhog_sys::ptrace::Registers;
use groundhog_sys::{Errno, PAGE_SIZE, Tid, kcmp};
pub(crate) use kinds::named;
use kinds::{is_of_thread, kind_of, target_of};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

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
    /// The sockets on which they see every read and write.
    pub(crate) sockets: Vec<i32>,
    /// What they stand for, by number.
    pub(crate) originals: Vec<(i32, Arc<OwnedFd>)>,
    /// Where the mappings of the snapshot are, in order.
    pub(crate) mappings: Vec<(u64, u64)>,
    /// What there was since this was last taken.
    pub(crate) seen: Seen,
}

impl Watch {
    /// Whether a call is advice on memory that the process has mapped since the snapshot. A restore unmaps that, and
    /// what moves from there to a place of the snapshot is noticed by its move.
    ///
    /// An address above all memory may be a tagged one, whose upper bits the kernel ignores (linear address masking).
    pub(crate) fn is_advice_on_new_memory(&self, registers: &Registers) -> bool {
        let (start, length) = (registers.rdi, registers.rsi);
        let end = start.checked_add(length).and_then(|end| end.checked_next_multiple_of(PAGE_SIZE));
        let Some(end) = end.filter(|end| *end <= ADDRESS_SPACE_END && number_of(registers) == MADVISE) else {
            return false;
        };
        let next = self.mappings.partition_point(|mapping| mapping.1 <= start);
        self.mappings.get(next).is_none_or(|mapping| end <= mapping.0)
    }

    /// Whether a call is about a number of the snapshot that stands for another file by now.
    ///
    /// Nobody can make it stand for the snapshot's again before the call is made: who has a copy of that has made a
    /// duplicate, which is final for sockets, and looked at for others.
    pub(crate) fn is_about_another_file(&self, registers: &Registers, caller: Tid) -> bool {
        let number = number_of(registers);
        let listed = ON_DESCRIPTOR.iter().any(|(call, ..)| *call == number) || number == FCNTL;
        let original = self.originals.iter().find(|(original, _)| *original == registers.rdi as i32);
        listed
            && original.is_some_and(|(descriptor, file)| {
                matches!(kcmp::same_open_file(caller, *descriptor, file.as_fd()), Ok(false) | Err(Errno(9)))
            })
    }
}

/// What calls there were.
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each with a name")]
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// How many that change the layout.
    pub(crate) layout_calls: u64,
    /// Some that change the flags of mappings.
    pub(crate) mapping_flags: bool,
    /// What some set that can be put back.
    pub(crate) touched: Touched,
    /// One whose effect cannot be put back.
    pub(crate) state_call: Option<&'static str>,
    /// Descriptors of the snapshot were closed, replaced or flagged, if only for a while.
    pub(crate) descriptors: bool,
    /// Flags of their open files were set.
    pub(crate) flags: bool,
    /// Descriptors of the snapshot that were locked or set up otherwise, or were duplicated, so that what was done to them
    /// was not seen, or epoll sets that may have changed.
    pub(crate) duplicated: Vec<i32>,
    /// Sockets that were read from or written to, of those that are watched.
    pub(crate) called: Vec<i32>,
    /// Those that were shut down, of all sockets.
    pub(crate) shut: Vec<i32>,
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
            Some(Verdict::Flags) => self.flags = true,
            Some(Verdict::Transfer(one, other)) => self.called.extend([one, other]),
            Some(Verdict::Shutdown(number)) => self.shut.push(number),
            Some(Verdict::Sets(kind, caller, timer)) => {
                self.touched.note(kind, caller, timer);
                if kind == Kind::MemoryLocks {
                    // Mappings were split, and have other flags.
                    self.layout_calls += 1;
                    self.mapping_flags = true;
                }
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
    /// Flags of open files are to be looked at.
    Flags,
    /// These may be sockets that were used.
    Transfer(i32, i32),
    /// This is shut down, if it is a socket.
    Shutdown(i32),
    /// Signals that wait are to be looked for closely.
    Signals,
    /// What is of this kind is to be put back: the thread that called, and which timer it named, if it is about timers.
    Sets(Kind, Tid, i32),
    /// It cannot be put back: the call's name.
    Final(&'static str),
}

/// The thread that is about to make a call.
pub(crate) struct Caller<'a> {
    pub(crate) tid: Tid,
    /// It is not one of the snapshot.
    pub(crate) is_new: bool,
    /// Which threads are those of the traced process.
    pub(crate) is_ours: &'a dyn Fn(Tid) -> bool,
}

/// Judges the call that a stopped thread is about to make.
///
/// What a new thread sets for itself is gone when it is ended, and runtimes do so in every thread that they start.
pub(crate) fn judge(registers: &Registers, caller: &Caller<'_>) -> Verdict {
    let number = number_of(registers);
    if number == RT_SIGACTION {
        return Verdict::SignalAction(registers.rdi & 0xffff_ffff);
    }
    if sends_signals(number) {
        return Verdict::Signals;
    }
    if let Some(verdict) = transfer(registers, caller.tid) {
        return verdict;
    }
    if number == SHUTDOWN {
        return Verdict::Shutdown(registers.rdi as i32);
    }
    if number == EPOLL_CTL {
        // What the set holds can be compared, as with a duplicate.
        return Verdict::Descriptors(Some(registers.rdi as i32));
    }
    if let Some(verdict) = on_number(registers) {
        return verdict;
    }
    let target = Tid(target_of(number, registers));
    let itself = target.0 == 0 || target == caller.tid;
    let own = matches!(number, 218 | 238 | 273) || (is_of_thread(number, registers) && itself);
    if own && caller.is_new {
        return Verdict::Harmless;
    }
    match kind_of(number, registers) {
        Some(kind) if itself || (caller.is_ours)(target) => {
            Verdict::Sets(kind, caller.tid, registers.rdi as i32)
        }
        _ => Verdict::Final(name_of(number)),
    }
}

/// Judges the call that a stopped child is about to make.
///
/// What it sets for itself is gone with it. But it may name its parent, share memory and open files with it, and make
/// objects that outlive both.
pub(crate) fn judge_child(registers: &Registers, child: &Caller<'_>, parent: Tid) -> Verdict {
    let number = number_of(registers);
    if sends_signals(number) {
        return Verdict::Signals;
    }
    if let Some(verdict) = transfer(registers, child.tid) {
        return verdict;
    }
    let outlives = OUTLIVING.contains(&number);
    let names_another = match number {
        // Priorities and I/O priorities: by process, by group, by user.
        141 => registers.rdi != 0 || !is_own(registers.rsi, child.tid),
        251 => registers.rdi != 1 || !is_own(registers.rsi, child.tid),
        _ => BY_PID.contains(&number) && !is_own(registers.rdi, child.tid),
    };
    let shares_memory = || kcmp::same_memory(child.tid, parent).unwrap_or(true);
    let on_memory = match number {
        PRCTL => PRCTL_ON_MEMORY.contains(&(registers.rdi & 0xffff_ffff)),
        _ => ON_MEMORY.contains(&number),
    };
    // What is open on neither side is not shared; who does not let itself be looked at may hide that it shares.
    let is_shared = |number: u64| {
        let number = number as i32;
        let same = kcmp::same_open_file_of(child.tid, number, parent, number);
        same.unwrap_or_else(|errno| errno != Errno(9))
    };
    let listed = ON_DESCRIPTOR.iter().any(|(call, ..)| *call == number)
        || WITH_COMMAND.iter().any(|(call, ..)| *call == number);
    if listed {
        return match on_number(registers) {
            // Its table is its own, but not what it does through a duplicate.
            Some(Verdict::Descriptors(Some(from))) if is_shared(registers.rdi) => {
                Verdict::Descriptors(Some(from))
            }
            Some(Verdict::Flags) if is_shared(registers.rdi) => Verdict::Flags,
            None if is_shared(registers.rdi) => Verdict::Final(name_of(number)),
            _ => Verdict::Harmless,
        };
    }
    let to_parent = (names_another && (child.is_ours)(Tid(target_of(number, registers))))
        || (!names_another && on_memory && shares_memory());
    match kind_of(number, registers) {
        Some(kind) if to_parent => Verdict::Sets(kind, child.tid, registers.rdi as i32),
        _ if outlives || names_another || to_parent => Verdict::Final(name_of(number)),
        _ => Verdict::Harmless,
    }
}

/// Whether a call that is seen for another reason makes a name in a file system.
pub(crate) fn makes_file(registers: &Registers) -> bool {
    number_of(registers) == BIND
}

fn number_of(registers: &Registers) -> i64 {
    (registers.orig_rax & !X32).cast_signed()
}

/// The verdict on a call that reads or writes a watched number; a child's may be another file, which does no harm.
fn transfer(registers: &Registers, caller: Tid) -> Option<Verdict> {
    if control::is_sent(registers, caller) {
        return Some(Verdict::Final("sendmsg, with more than bytes"));
    }
    let mut numbers = TRANSFERS
        .iter()
        .filter(|(call, ..)| *call == number_of(registers))
        .map(|(.., argument)| [registers.rdi, registers.rsi, registers.rdx][usize::from(*argument)] as i32);
    let first = numbers.next()?;
    Some(Verdict::Transfer(first, numbers.next().unwrap_or(first)))
}

/// Whether a process id in an argument means the caller.
fn is_own(argument: u64, caller: Tid) -> bool {
    let id = argument as i32;
    id == 0 || id == caller.0
}

fn sends_signals(number: i64) -> bool {
    matches!(number, KILL | TKILL | TGKILL | RT_SIGQUEUEINFO | RT_TGSIGQUEUEINFO | PIDFD_SEND_SIGNAL)
}

/// The verdict on a call that sets what a number stands for, or what can be taken back of its open file: both can be
/// looked at afterwards.
fn on_number(registers: &Registers) -> Option<Verdict> {
    let first = registers.rdi as i32;
    let command = registers.rsi & 0xffff_ffff;
    let duplicated = match number_of(registers) {
        CLOSE => None,
        // Without that flag: with it, a thread has a table of its own.
        CLOSE_RANGE if registers.rdx & CLOSE_RANGE_UNSHARE == 0 => None,
        FCNTL if command == F_SETFD => None,
        FCNTL if command == F_SETFL => return Some(Verdict::Flags),
        IOCTL if matches!(command, FIONBIO | FIOASYNC) => return Some(Verdict::Flags),
        IOCTL if matches!(command, FIONCLEX | FIOCLEX) => None,
        // Duplicates, locks, owners, sizes.
        DUP | DUP2 | DUP3 | FLOCK | IOCTL => Some(first),
        FCNTL if !FINAL_COMMANDS.contains(&command) => Some(first),
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
    fn advice_is_on_new_memory_where_no_mapping_of_the_snapshot_is() {
        let watch = Watch { mappings: vec![(0x2000, 0x4000), (0x8000, 0x9000)], ..Watch::default() };
        let advises = |start: u64, length: u64| {
            let mut registers = calling(MADVISE.cast_unsigned(), start);
            registers.rsi = length;
            watch.is_advice_on_new_memory(&registers)
        };
        for (start, length) in [(0x1000, 0x1000), (0x4000, 0x4000), (0x9000, 0x1000), (0x5000, 1)] {
            assert!(advises(start, length), "{start:#x} {length:#x}");
        }
        let tagged = 0x2000 | 1 << 57;
        for (start, length) in
            [(0x1000, 0x1001), (0x3000, 0x1000), (0x3000, 0x9000), (0x7000, 0x1001), (0x1000, 0x1_0000)]
        {
            assert!(!advises(start, length), "{start:#x} {length:#x}");
        }
        for (start, length) in [(tagged, 0x1000), (0x5000, u64::MAX), (0x5000, u64::MAX - 0x5000)] {
            assert!(!advises(start, length), "{start:#x} {length:#x}");
        }
        assert!(!watch.is_advice_on_new_memory(&calling(25, 0x1000)), "another call");
    }

    const SELF: Tid = Tid(5);

    fn judged(registers: &Registers, is_new: bool) -> Verdict {
        judge(registers, &Caller { tid: SELF, is_new, is_ours: &|tid| tid == SELF || tid == Tid(6) })
    }

    fn judged_child(registers: &Registers) -> Verdict {
        judge_child(registers, &Caller { tid: Tid(7), is_new: true, is_ours: &|tid| tid == SELF }, SELF)
    }

    #[test]
    fn calls_are_known_by_name() {
        assert_eq!(judged(&calling(105, 0), false), Verdict::Final("setuid"));
        assert_eq!(judged(&calling(157, 24), true), Verdict::Final("prctl"));
        let mut sealing = calling(FCNTL.cast_unsigned() | X32, 3);
        sealing.rsi = 0x1_0000_0409; // the kernel looks at the lower half
        assert_eq!(judged(&sealing, false), Verdict::Final("fcntl"));
    }

    #[test]
    fn what_can_be_put_back_is_noted_by_kind() {
        let sets = |kind, first| Verdict::Sets(kind, SELF, first);
        assert_eq!(judged(&calling(38, 0), false), sets(Kind::IntervalTimers, 0));
        assert_eq!(judged(&calling(157, 4), true), sets(Kind::Dumpable, 4));
        assert_eq!(judged(&calling(223, 9), false), sets(Kind::PosixTimers, 9));
        assert_eq!(judged(&calling(203, 6), false), sets(Kind::Scheduling, 6));
        assert_eq!(judged(&calling(203, 8), false), Verdict::Final("sched_setaffinity"));
        // Of a group, which others may be in.
        assert_eq!(judged(&calling(141, 1), false), Verdict::Final("setpriority"));
        assert_eq!(judged(&calling(141, 1), true), Verdict::Final("setpriority"));
    }

    #[test]
    fn what_becomes_of_descriptors_can_be_looked_at() {
        assert_eq!(judged(&calling(33, 5), false), Verdict::Descriptors(Some(5)));
        assert_eq!(judged(&calling(73, 5), false), Verdict::Descriptors(Some(5)));
        let mut setting_the_flag = calling(72, 3);
        setting_the_flag.rsi = F_SETFD;
        assert_eq!(judged(&setting_the_flag, false), Verdict::Descriptors(None));
        let mut without_waiting = calling(16, 3);
        without_waiting.rsi = FIONBIO;
        assert_eq!(judged(&without_waiting, false), Verdict::Flags);
    }

    #[test]
    fn a_descriptor_table_of_ones_own_is_final() {
        let mut unsharing = calling(436, 3);
        assert_eq!(judged(&unsharing, false), Verdict::Descriptors(None));
        unsharing.rdx = CLOSE_RANGE_UNSHARE;
        assert_eq!(judged(&unsharing, false), Verdict::Final("close_range"));
    }

    #[test]
    fn a_child_may_set_what_is_its_own() {
        assert_eq!(judged_child(&calling(203, 0)), Verdict::Harmless);
        assert_eq!(judged_child(&calling(203, 7)), Verdict::Harmless);
        assert_eq!(judged_child(&calling(203, 5)), Verdict::Sets(Kind::Scheduling, Tid(7), 5));
        assert_eq!(judged_child(&calling(203, 8)), Verdict::Final("sched_setaffinity"));
        assert_eq!(judged_child(&calling(95, 0)), Verdict::Harmless);
        assert_eq!(judged_child(&calling(29, 0)), Verdict::Final("shmget"));
        assert_eq!(judged_child(&calling(62, 5)), Verdict::Signals);
    }

    #[test]
    fn a_signals_action_can_be_set_back() {
        assert_eq!(judged(&calling(13, 33), true), Verdict::SignalAction(33));
    }

    #[test]
    fn what_a_new_thread_sets_for_itself_does_not_count() {
        assert_eq!(judged(&calling(157, 15), true), Verdict::Harmless);
        assert_eq!(judged(&calling(131, 1), true), Verdict::Harmless);
        assert_eq!(judged(&calling(203, 0), true), Verdict::Harmless);
        assert_eq!(judged(&calling(203, 6), true), Verdict::Sets(Kind::Scheduling, SELF, 6));
        assert_eq!(judged(&calling(157, 15), false), Verdict::Sets(Kind::Name, SELF, 15));
    }
}
