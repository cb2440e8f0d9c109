//! What real programs call against the policy: it refuses nothing that they cannot do without, and nothing that they do in
//! requests costs the process.
//!
//! `real_programs.tsv` was traced once. A program that makes another call is found by its own tests; this one keeps a row
//! from being made stricter than programs bear.

use super::super::policy::{Rule, Since};
use super::tests::{CHILD, SELF, THREAD, calling, judged_with};
use super::*;

/// A call as the programs made it.
struct Made {
    call: Sysno,
    operation: &'static str,
    /// In how many programs while they loaded, in requests, and in programs that those execute.
    load: u32,
    requests: u32,
    executed: u32,
}

/// Refusals, by the call and the first words of its operation; empty: all of them.
///
/// With the error at which programs go on: each was tried by refusing it to all programs that make the call.
const REFUSED: &[(Sysno, &str, i32)] = &[
    // C libraries use `clone`, whose flags can be seen.
    (Sysno::clone3, "", ENOSYS),
    // Event loops use threads.
    (Sysno::io_uring_setup, "", ENOSYS),
    (Sysno::io_uring_enter, "", ENOSYS),
    // Allocators use MADV_DONTNEED.
    (Sysno::madvise, "MADV_FREE", EINVAL.0),
    // A question whether the kernel tells of advice that it does not know.
    (Sysno::madvise, "0xffffffff", EINVAL.0),
    // Many kernels give no names, those of the traced programs among them.
    (Sysno::prctl, "PR_SET_VMA", EINVAL.0),
    // A question for all flags that the kernel knows, answered as by one that knows none of huge pages.
    (Sysno::memfd_create, "MFD_CLOEXEC|MFD_ALLOW_SEALING|MFD_HUGETLB", EINVAL.0),
    // V8 goes without keys.
    (Sysno::pkey_alloc, "", ENOSPC),
    // A browser with a sandbox of its own does not start in ours: it takes --no-sandbox.
    (Sysno::clone, "CLONE_NEW", EPERM.0),
    (Sysno::clone, "CLONE_VM|CLONE_FS|CLONE_VFORK", EPERM.0),
    (Sysno::unshare, "CLONE_NEWUSER", EPERM.0),
    (Sysno::chroot, "", EPERM.0),
    (Sysno::socket, "AF_NETLINK SOCK_RAW NETLINK_AUDIT", EPROTONOSUPPORT),
];

/// What only a forked child may do, before it executes a program.
const BY_CHILDREN: [Sysno; 1] = [Sysno::setsid];

const ENOSYS: i32 = 38;
const ENOSPC: i32 = 28;
const EPROTONOSUPPORT: i32 = 93;

/// Flags by name.
type Flags = &'static [(&'static str, u64)];

/// Flags, and where they stand in the arguments of a call.
const FLAGS: &[(&[Sysno], usize, Flags)] = &[
    (
        &[Sysno::clone],
        0,
        &[
            ("CLONE_VM", 0x100),
            ("CLONE_FS", 0x200),
            ("CLONE_FILES", 0x400),
            ("CLONE_SIGHAND", 0x800),
            ("CLONE_PIDFD", 0x1000),
            ("CLONE_VFORK", 0x4000),
            ("CLONE_THREAD", 0x1_0000),
            ("CLONE_SYSVSEM", 0x4_0000),
            ("CLONE_SETTLS", 0x8_0000),
            ("CLONE_PARENT_SETTID", 0x10_0000),
            ("CLONE_CHILD_CLEARTID", 0x20_0000),
            ("CLONE_CHILD_SETTID", 0x100_0000),
            ("CLONE_NEWUSER", 0x1000_0000),
            ("CLONE_NEWPID", 0x2000_0000),
            ("CLONE_NEWNET", 0x4000_0000),
            ("SIGCHLD", 17),
        ],
    ),
    (&[Sysno::sendmsg], 2, MESSAGES),
    (&[Sysno::sendto, Sysno::sendmmsg], 3, MESSAGES),
    (&[Sysno::close_range], 2, &[("CLOSE_RANGE_CLOEXEC", 4)]),
    (&[Sysno::prlimit64], 2, &[("set", 0x1000)]),
    (&[Sysno::prctl], 1, &[("PR_CAP_AMBIENT_IS_SET", 1), ("SECCOMP_MODE_FILTER", 2)]),
    (&[Sysno::kill], 1, &[("SIGKILL", 9)]),
    (&[Sysno::memfd_create], 1, &[("MFD_CLOEXEC", 1), ("MFD_ALLOW_SEALING", 2), ("MFD_HUGETLB", 4)]),
];
const MESSAGES: Flags = &[("MSG_DONTWAIT", 0x40), ("MSG_NOSIGNAL", 0x4000)];

/// Words that say what the descriptors are, or change nothing about the row.
const TOLD_OTHERWISE: &[&str] = &["netlink", "SCM_RIGHTS", "SCM_CREDENTIALS", "get"];

/// The calls of the programs.
fn made() -> Vec<Made> {
    let line = |line: &'static str| {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap_or_else(|| panic!("too short: {line}"));
        let (name, operation) = (next(), next());
        let call = Sysno::iter().find(|call| call.name() == name);
        let mut count = || next().parse().unwrap_or_else(|_| panic!("no count: {line}"));
        let (load, requests, executed) = (count(), count(), count());
        Made { call: call.unwrap_or_else(|| panic!("no call: {line}")), operation, load, requests, executed }
    };
    include_str!("real_programs.tsv").lines().filter(|text| !text.starts_with('#')).map(line).collect()
}

impl Made {
    fn name(&self) -> String {
        format!("{} {}", self.call, self.operation)
    }

    /// The call with arguments that tell its operation; none: its operation has no row.
    fn arguments(&self) -> Option<[u64; 6]> {
        let mut arguments = [0; 6];
        if let Some(Rule::Operations(groups, _)) = policy::rule(self.call) {
            let mut words = self.operation.split_whitespace();
            let first = words.next()?;
            let level = match first {
                "SOL_TCP" => "IPPROTO_TCP",
                "SOL_IP" => "IPPROTO_IP",
                "SOL_IPV6" => "IPPROTO_IPV6",
                other => other,
            };
            let (group, name) = match self.call {
                Sysno::setsockopt => (level, words.next()?),
                Sysno::socket => (level, words.nth(1).unwrap_or("any")),
                _ => ("", first),
            };
            let named = |name: &str, known: &str| name == known || name.starts_with(&format!("{known} "));
            let (within, argument, operation) = groups
                .iter()
                .filter(|of| of.within.is_none_or(|(_, _, known)| known == group))
                .find_map(|of| {
                    let operation = of.known.iter().find(|operation| named(name, operation.name))?;
                    Some((of.within, of.argument, operation))
                })?;
            if let Some((at, value, _)) = within {
                arguments[usize::from(at)] = value.into();
            }
            arguments[usize::from(argument)] = operation.value.into();
        }
        if let Some((_, at, names)) = FLAGS.iter().find(|(calls, ..)| calls.contains(&self.call)) {
            let words = self.operation.split(['|', ' ']).filter(|word| !word.is_empty());
            let value = |word: &str| names.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
            let is_known = |word: &str| {
                value(word).is_some()
                    || TOLD_OTHERWISE.contains(&word)
                    || !word.contains("CLONE_") && !word.contains("MSG_")
            };
            for word in words {
                assert!(is_known(word), "what is {word} of {}", self.name());
                arguments[*at] |= value(word).unwrap_or(0);
            }
        }
        Some(arguments)
    }

    /// The error with which it is refused to a caller: by the kernel, or by us.
    fn refusal(&self, since: Since, caller: Tid, facts: &Facts) -> Option<i32> {
        let Some(arguments) = self.arguments() else {
            let Some(Rule::Operations(_, Action::Refuse(errno, from))) = policy::rule(self.call) else {
                panic!("no row: {}", self.name())
            };
            return (from == Since::Start || since == Since::Snapshot).then_some(errno.0);
        };
        let registers = calling(self.call, &arguments);
        let rule = policy::rule(self.call).unwrap_or_else(|| panic!("no row: {}", self.name()));
        let clauses = rule.clauses(&arguments).unwrap_or_else(|| panic!("no row: {}", self.name()));
        let holds = |when| match when {
            When::Always => true,
            When::Is(at, value) => arguments[usize::from(at)] as u32 == value,
            When::IsNot(at, value) => arguments[usize::from(at)] as u32 != value,
            When::Has(at, mask, value) => arguments[usize::from(at)] as u32 & mask == value,
            When::Points(at) => arguments[usize::from(at)] != 0,
            When::AtLeast(at, value) => arguments[usize::from(at)] as u32 >= value,
            When::WholeAtLeast(at, value) => arguments[usize::from(at)] >= value,
            // Of descriptors of the snapshot, or of receiving without a copy, which nobody does.
            When::Snapshot(_) | When::Watched(_) | When::Socket(_) | When::All(_) => false,
        };
        let by_kernel = clauses.iter().find_map(|clause| match clause.action {
            Action::Refuse(errno, from) if from == Since::Start || since == Since::Snapshot => {
                holds(clause.when).then_some(errno.0)
            }
            _ => None,
        });
        by_kernel.or_else(|| judged_with(facts, caller, false, &registers).1.map(|errno| errno.0))
    }

    fn expected(&self) -> Option<i32> {
        let fits =
            |(call, words, _): &&(Sysno, &str, i32)| *call == self.call && self.operation.starts_with(words);
        REFUSED.iter().find(fits).map(|(.., errno)| *errno)
    }
}

/// A program that hands on pages of files which nobody writes, and of which calls are interrupted.
fn facts() -> Facts {
    let never = || -> Option<OfDescriptor> { Some(Box::new(|_, _| false)) };
    let (may_be_rewritten, is_our_pipe) = (never(), never());
    Facts {
        may_be_rewritten,
        is_our_pipe,
        interrupted: [SELF, CHILD].into(),
        is_jailed: true,
        ..Facts::default()
    }
}

#[test]
fn real_programs_are_refused_nothing_that_they_need() {
    let facts = facts();
    let mut wrong = Vec::new();
    for made in made() {
        let whens = [
            (made.load, Since::Start, SELF),
            (made.requests, Since::Snapshot, SELF),
            (made.executed, Since::Snapshot, CHILD),
        ];
        for (_, since, caller) in whens.into_iter().filter(|(programs, ..)| *programs > 0) {
            let refusal = made.refusal(since, caller, &facts);
            let expected = made.expected();
            // What is refused from the snapshot on may be done while loading.
            if refusal != expected && !(since == Since::Start && refusal.is_none()) {
                wrong.push(format!("{} ({since:?}): {refusal:?}, expected {expected:?}", made.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_expected_refusal_is_of_a_call_that_programs_make() {
    let all = made();
    for (call, words, _) in REFUSED {
        assert!(
            all.iter().any(|made| made.call == *call && made.operation.starts_with(words)),
            "{call} {words}"
        );
    }
}

#[test]
fn nothing_that_real_programs_do_in_requests_costs_the_process() {
    let facts = facts();
    let mut wrong = Vec::new();
    for made in made().iter().filter(|made| made.requests + made.executed > 0 && made.expected().is_none()) {
        let Some(arguments) = made.arguments() else { continue };
        let registers = calling(made.call, &arguments);
        let costs = |caller, is_new| {
            let seen = judged_with(&facts, caller, is_new, &registers).0;
            seen.retires.is_some() || seen.escaped && caller != CHILD
        };
        let is_only_of = |calls: &[Sysno]| calls.contains(&made.call);
        let (by_itself, by_threads, by_children) =
            (costs(SELF, false), costs(THREAD, true), costs(CHILD, true));
        let expected = if is_only_of(&BY_CHILDREN) {
            (true, true, false)
        } else if made.requests == 0 {
            (by_itself, by_threads, false)
        } else {
            (false, false, false)
        };
        if (by_itself, by_threads, by_children) != expected {
            wrong.push(format!("{}: {:?}", made.name(), (by_itself, by_threads, by_children)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
