use super::*;
use crate::syscalls::programs::JUDGED;
use std::os::fd::AsRawFd;

pub(super) const SELF: Tid = Tid(5);
pub(super) const THREAD: Tid = Tid(6);
pub(super) const CHILD: Tid = Tid(7);

pub(super) fn calling(call: Sysno, arguments: &[u64]) -> Registers {
    let mut registers = groundhog_sys::ptrace::empty_registers();
    registers.orig_rax = call.id() as u64;
    let at = |at: usize| arguments.get(at).copied().unwrap_or(0);
    (registers.rdi, registers.rsi, registers.rdx) = (at(0), at(1), at(2));
    (registers.r10, registers.r8, registers.r9) = (at(3), at(4), at(5));
    registers
}

fn call(caller: Tid, is_new: bool) -> Call<'static> {
    Call {
        caller,
        group: caller,
        process: SELF,
        is_ours: caller != CHILD,
        is_new,
        is_alone: &|| true,
        has_children: false,
        is_private: &|_| true,
        is_anonymous: &|_| true,
        message: JUDGED,
        is_thread: &|tid| tid == SELF || tid == THREAD,
        is_descendant: &|tid| tid == CHILD,
    }
}

/// Judges a call of a process that has nothing open in its snapshot.
pub(super) fn judged_with(
    facts: &Facts,
    caller: Tid,
    is_new: bool,
    registers: &Registers,
) -> (Observed, Option<Errno>) {
    let mut seen = Observed::default();
    let denied = judge(&call(caller, is_new), Some(registers), facts, &mut seen);
    (seen, denied)
}

fn judged(registers: &Registers) -> Observed {
    judged_with(&Facts::default(), SELF, false, registers).0
}

fn judged_new(registers: &Registers) -> Observed {
    judged_with(&Facts::default(), THREAD, true, registers).0
}

fn judged_child(registers: &Registers) -> Observed {
    judged_with(&Facts::default(), CHILD, true, registers).0
}

#[test]
fn what_cannot_be_put_back_is_known_by_name() {
    assert_eq!(judged(&calling(Sysno::setuid, &[])).retires.as_deref(), Some("setuid"));
    assert_eq!(judged(&calling(Sysno::prctl, &[24])).retires.as_deref(), Some("prctl"));
}

#[test]
fn a_call_or_an_operation_without_a_row_retires() {
    let mut unknown = calling(Sysno::getpid, &[]);
    unknown.orig_rax = 4711;
    assert_eq!(judged(&unknown).retires.as_deref(), Some("system call 4711"));
    assert!(judged(&calling(Sysno::prctl, &[4711])).retires.is_some());
}

#[test]
fn a_signal_is_for_the_process_as_a_whole_or_for_one_thread() {
    let to = |call, who: Tid, signal: u64| {
        judged(&calling(call, &[who.0.cast_unsigned().into(), signal])).signalled_as_a_whole
    };
    assert!(to(Sysno::kill, SELF, 10) && to(Sysno::kill, THREAD, 10));
    assert!(to(Sysno::kill, Tid(0), 10) && to(Sysno::rt_sigqueueinfo, SELF, 10));
    assert!(to(Sysno::pidfd_send_signal, Tid(3), 10), "whoever the descriptor stands for");
    assert!(!to(Sysno::kill, CHILD, 10) && !to(Sysno::kill, SELF, 0));
    assert!(!to(Sysno::tkill, SELF, 10), "to one thread");
}

#[test]
fn who_is_to_be_told_of_a_descriptor_may_get_signals() {
    const NEW: u64 = 9;
    const O_ASYNC: u64 = 0o20_000;
    let asks = |call, operation, value| judged(&calling(call, &[NEW, operation, value])).signalled_as_a_whole;
    for operation in [8, 15, 1024] {
        assert!(asks(Sysno::fcntl, operation, 1), "F_SETOWN, F_SETOWN_EX, F_SETLEASE: {operation}");
    }
    assert!(asks(Sysno::fcntl, 4, O_ASYNC) && !asks(Sysno::fcntl, 4, 0o4_000));
    for operation in [0x5452, 0x8901, 0x8902] {
        assert!(asks(Sysno::ioctl, operation, 1), "FIOASYNC, FIOSETOWN, SIOCSPGRP: {operation:#x}");
    }
}

/// Whichever socket it is of: the group is that of the port.
#[test]
fn a_port_of_the_snapshot_is_shared_with_no_request() {
    let shares = calling(Sysno::setsockopt, &[9, 1, 15]);
    let facts = Facts { shares_port: true, ..Facts::default() };
    for caller in [SELF, THREAD, CHILD] {
        assert!(judged_with(&facts, caller, true, &shares).0.retires.is_some());
        assert!(judged_with(&Facts::default(), caller, true, &shares).0.retires.is_none());
    }
}

#[test]
fn what_can_be_put_back_is_noted_by_kind() {
    let has = |seen: Observed, kind| seen.touched.has(kind) && seen.retires.is_none();
    assert!(has(judged(&calling(Sysno::setitimer, &[])), StateKind::IntervalTimers));
    assert!(has(judged_new(&calling(Sysno::prctl, &[4])), StateKind::Dumpable));
    // A thread that becomes another user takes it from all.
    assert!(has(judged_new(&calling(Sysno::setfsuid, &[])), StateKind::Dumpable));
    let seen = judged(&calling(Sysno::timer_settime, &[9]));
    assert!(seen.touched.names_timer(9) && !seen.touched.names_timer(8));
    assert!(has(judged(&calling(Sysno::sched_setaffinity, &[6])), StateKind::Scheduling));
    assert_eq!(judged(&calling(Sysno::rt_sigaction, &[33, 1])).actions, 1 << 32);
    assert_eq!(judged(&calling(Sysno::rt_sigaction, &[33, 0])).actions, 0);
}

#[test]
fn what_a_new_thread_sets_for_itself_does_not_count() {
    for call in [
        calling(Sysno::prctl, &[15]),
        calling(Sysno::sigaltstack, &[1]),
        calling(Sysno::sched_setaffinity, &[0]),
        calling(Sysno::set_tid_address, &[]),
    ] {
        let seen = judged_new(&call);
        assert!(seen.touched.is_empty() && seen.retires.is_none(), "{seen:?}");
    }
    assert!(judged_new(&calling(Sysno::sched_setaffinity, &[5])).touched.has(StateKind::Scheduling));
    assert!(judged_new(&calling(Sysno::landlock_restrict_self, &[4, 0])).retires.is_none());
    assert!(judged_new(&calling(Sysno::landlock_restrict_self, &[4, 8])).retires.is_some());
    assert!(judged(&calling(Sysno::prctl, &[15])).touched.has(StateKind::Name));
    assert!(judged_new(&calling(Sysno::prlimit64, &[0, 7, 1])).touched.has(StateKind::Limits));
}

#[test]
fn a_child_may_set_what_is_its_own() {
    for call in [
        calling(Sysno::sched_setaffinity, &[0]),
        calling(Sysno::sched_setaffinity, &[7]),
        calling(Sysno::umask, &[]),
        calling(Sysno::setgroups, &[]),
        calling(Sysno::prlimit64, &[0, 7, 1]),
    ] {
        let seen = judged_child(&call);
        assert!(seen.touched.is_empty() && seen.retires.is_none(), "{seen:?}");
    }
    assert!(judged_child(&calling(Sysno::sched_setaffinity, &[5])).touched.has(StateKind::Scheduling));
    assert_eq!(judged_child(&calling(Sysno::shmget, &[])).retires.as_deref(), Some("shmget"));
    assert!(judged_child(&calling(Sysno::kill, &[5])).signalled);
}

#[test]
fn nobody_changes_others() {
    let others = calling(Sysno::sched_setaffinity, &[8]);
    for caller in [SELF, CHILD] {
        let (seen, denied) = judged_with(&Facts::default(), caller, false, &others);
        assert_eq!((seen.retires, denied), (None, Some(EPERM)));
    }
}

#[test]
fn the_engines_own_means_are_denied_to_others() {
    let denied = |registers| judged_with(&Facts::default(), SELF, false, &registers).1;
    assert_eq!(denied(calling(Sysno::userfaultfd, &[])), Some(EPERM));
    // Where nobody says that it may be shared, it may not.
    assert_eq!(denied(calling(Sysno::sendfile, &[1, 2])), Some(EINVAL));
}

#[test]
fn an_interrupted_call_goes_on_only_if_one_was_interrupted() {
    let again = calling(Sysno::restart_syscall, &[]);
    let mut facts = Facts::default();
    assert_eq!(judged_with(&facts, SELF, false, &again).1, Some(EINTR));
    facts.interrupted.insert(SELF);
    assert_eq!(judged_with(&facts, SELF, false, &again).1, None);
    assert_eq!(judged_with(&facts, THREAD, false, &again).1, Some(EINTR));
}

#[test]
fn a_descriptor_table_of_ones_own_retires() {
    assert!(judged(&calling(Sysno::close_range, &[3, 3, 0])).numbers);
    assert!(judged(&calling(Sysno::close_range, &[3, 3, 2])).retires.is_some());
    let child = judged_child(&calling(Sysno::close_range, &[3, 3, 2]));
    assert!(!child.numbers && child.retires.is_none());
}

#[test]
fn advice_is_on_new_memory_where_no_mapping_of_the_snapshot_is() {
    const MADV_DONTFORK: u64 = 10;
    let facts = Facts { mappings: vec![(0x2000, 0x4000), (0x8000, 0x9000)], ..Facts::default() };
    let advises = |start: u64, length: u64| {
        let advice = calling(Sysno::madvise, &[start, length, MADV_DONTFORK]);
        !judged_with(&facts, SELF, false, &advice).0.mapping_flags
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
}

/// That of shared memory belongs to its file; what is moved to a place of the snapshot keeps its own.
/// By such a program any call can seem to have been interrupted.
#[test]
fn no_call_goes_on_in_a_process_with_a_program_of_its_own() {
    let facts = Facts { interrupted: [SELF].into(), ..Facts::default() };
    let mut seen = Observed::default();
    let mut answers =
        |number, arguments| judge(&call(SELF, false), Some(&calling(number, arguments)), &facts, &mut seen);
    assert_eq!(answers(Sysno::restart_syscall, &[]), None);
    assert_eq!(answers(Sysno::seccomp, &[1]), None);
    assert_eq!(answers(Sysno::restart_syscall, &[]), Some(EINTR));
}

#[test]
fn a_policy_is_for_new_private_memory_that_stays_where_it_is() {
    let facts = Facts { mappings: vec![(0x2000, 0x4000)], ..Facts::default() };
    let policy = |start| calling(Sysno::mbind, &[start, 0x1000, 1]);
    let moves = |start| calling(Sysno::mremap, &[start, 0x1000, 0x2000, 1]);
    let after = |first: &Registers, call: &Call<'_>, second: &Registers| {
        let (mut seen, _) = judged_with(&facts, SELF, false, first);
        assert!(seen.retires.is_none() && seen.layout_calls == 1, "{seen:?}");
        judge(call, Some(second), &facts, &mut seen);
        seen.retires
    };
    let (alone, beside) = (call(SELF, false), Call { is_alone: &|| false, ..call(SELF, false) });
    assert_eq!(after(&policy(0x5000), &alone, &policy(0x3000)).as_deref(), Some("mbind"));
    assert_eq!(
        after(&policy(0x5000), &Call { is_private: &|_| false, ..alone }, &policy(0x6000)).as_deref(),
        Some("mbind")
    );
    let moved = after(&policy(0x5000), &beside, &moves(0x5000)).expect("it moves it");
    assert!(moved.starts_with("mremap"), "{moved}");
    assert_eq!(after(&policy(0x5000), &beside, &moves(0x6000)), None);
    // Judged before, it may be made after.
    assert_eq!(after(&moves(0x5000), &beside, &policy(0x5000)).as_deref(), Some("mbind"));
    assert_eq!(after(&moves(0x5000), &call(SELF, false), &policy(0x5000)), None);
}

/// A snapshot with an open file of this process under two numbers, of which one stands for nothing by now.
fn facts_with_open_file() -> (Facts, std::fs::File, i32) {
    const REPLACED: i32 = 900_000;
    let file = std::fs::File::open("/proc/self/exe").expect("it can be opened");
    let this = groundhog_sys::pidfd::open(own_pid()).expect("this process");
    let duplicate = Arc::new(Duplicate::of(&this, file.as_raw_fd()).expect("it is open"));
    let originals = vec![(file.as_raw_fd(), Arc::clone(&duplicate)), (REPLACED, duplicate)];
    (Facts { originals, ..Facts::default() }, file, REPLACED)
}

fn own_pid() -> Tid {
    Tid(std::process::id().cast_signed())
}

/// What some calls of this process mean, one after the other.
fn judged_here(facts: &Facts, is_alone: bool, calls: &[&Registers]) -> Observed {
    let mut seen = Observed::default();
    let alone = || is_alone;
    let call = Call { is_alone: &alone, ..call(own_pid(), false) };
    for registers in calls {
        judge(&call, Some(registers), facts, &mut seen);
    }
    seen
}

/// Judged before, it may be made after another thread has put an open file of the snapshot there.
#[test]
fn a_member_or_a_set_that_another_thread_may_put_back_counts() {
    let (facts, file, replaced) = facts_with_open_file();
    let of_snapshot = file.as_raw_fd() as u64;
    let takes_out = |set: u64, target: u64| calling(Sysno::epoll_ctl, &[set, 2, target]);
    let duplicates = calling(Sysno::dup, &[of_snapshot]);
    for call in [takes_out(of_snapshot, replaced as u64), takes_out(800_000, of_snapshot)] {
        let is_rearranged = |is_alone, calls: &[&Registers]| judged_here(&facts, is_alone, calls).rearranged;
        assert!(is_rearranged(false, &[&call, &duplicates]) && is_rearranged(false, &[&duplicates, &call]));
        assert!(!is_rearranged(true, &[&call, &duplicates]) && !is_rearranged(false, &[&call]));
    }
    assert!(judged_here(&facts, true, &[&takes_out(of_snapshot, of_snapshot)]).rearranged);
}

#[test]
fn reading_that_may_be_set_on_another_file_by_then_is_not_put_back() {
    let (facts, file, replaced) = facts_with_open_file();
    let reads = calling(Sysno::fadvise64, &[replaced as u64, 0, 0, 1]);
    let duplicates = calling(Sysno::dup, &[file.as_raw_fd() as u64]);
    let retires = |is_alone, calls: &[&Registers]| judged_here(&facts, is_alone, calls).retires.is_some();
    assert!(retires(false, &[&reads, &duplicates]) && retires(false, &[&duplicates, &reads]));
    assert!(!retires(true, &[&reads, &duplicates]) && !retires(false, &[&reads]));
    assert!(!retires(false, &[&duplicates]));
}
