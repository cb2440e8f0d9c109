//! The seccomp programs that bind a function process, made from the policy.
//!
//! ```text
//!   from the start      calls without a row: ENOSYS;  x32: killed;  what is refused or seen from the start
//!   from the snapshot   what is refused from then on;  what is seen: layout calls, then all others
//! ```
//!
//! Of several programs the kernel takes the strictest answer. A call that no program looks into costs nothing: the kernel
//! keeps a bitmap of those.

use super::policy::{self, Action, Clause, Effect, Operation, Rule, Since, When};
use crate::error::Error;
use groundhog_sys::Errno;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use std::collections::{BTreeMap, BTreeSet};
use syscalls::Sysno;

/// What a program says in the message of its stop: that the call changes the layout, and nothing else.
pub(crate) const LAYOUT: u64 = 0;
/// That the call is to be judged by its row.
pub(crate) const JUDGED: u64 = 1;

/// More gaps than this between descriptors, and the numbers in the gaps count as the snapshot's, too.
const MAX_RANGES: usize = 4;

/// The descriptors of a snapshot, as the programs know them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    /// All of them, in ascending order.
    pub(crate) all: Vec<i32>,
    /// The sockets among them.
    pub(crate) sockets: Vec<i32>,
    /// The sockets that do not tell what went through them.
    pub(crate) watched: Vec<i32>,
}

impl Numbers {
    /// Whether all of `other` are among these.
    pub(crate) fn cover(&self, other: &Self) -> bool {
        let within = |some: &[i32], all: &[i32]| some.iter().all(|number| all.contains(number));
        within(&other.all, &self.all)
            && within(&other.sockets, &self.sockets)
            && within(&other.watched, &self.watched)
    }

    /// Adds those of a later snapshot.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.all.extend(&other.all);
        self.sockets.extend(&other.sockets);
        self.watched.extend(&other.watched);
    }
}

type Program = Vec<u64>;
type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// What binds a process from before its first instruction.
pub(crate) fn from_the_start() -> Result<Vec<Program>, Error> {
    let none = Numbers::default();
    let build = || {
        let mut programs = vec![kill_x32(), known_calls()?];
        programs.extend(refusals(Since::Start, &none)?);
        programs.extend(program(seen(Since::Start, &none, |_| true)?, trace(JUDGED))?);
        Ok(programs)
    };
    build().map_err(unbuildable)
}

/// What is installed at the snapshot. `all`: calls that change the layout and close descriptors are to be seen, too; a request that
/// makes none of them cannot have changed either, so that its restore need not look.
pub(crate) fn from_the_snapshot(numbers: &Numbers, all: bool) -> Result<Vec<Program>, Error> {
    let build = || {
        let mut programs = refusals(Since::Snapshot, numbers)?;
        // Where both see a call, the later one tells of it.
        if all {
            programs.extend(program(
                seen(Since::Snapshot, numbers, |effect| effect == Effect::Layout)?,
                trace(LAYOUT),
            )?);
        }
        programs.extend(what_is_judged(numbers, all)?);
        Ok(programs)
    };
    build().map_err(unbuildable)
}

/// What a later snapshot needs that has descriptors which the programs of the first do not know.
pub(crate) fn for_more_descriptors(numbers: &Numbers, all: bool) -> Result<Vec<Program>, Error> {
    what_is_judged(numbers, all).map(|program| program.into_iter().collect()).map_err(unbuildable)
}

fn what_is_judged(numbers: &Numbers, all: bool) -> Result<Option<Program>, BackendError> {
    let wanted = |effect| effect != Effect::Layout && (all || effect != Effect::Closes);
    program(seen(Since::Snapshot, numbers, wanted)?, trace(JUDGED))
}

/// For a server that is guarded: the call by which it begins to listen is seen, from the start and by whichever socket.
pub(crate) fn for_server() -> Result<Vec<Program>, Error> {
    let build = || {
        let mut rules = Rules::new();
        add(&mut rules, Sysno::listen, When::Always, &[], &Numbers::default())?;
        Ok(program(rules, trace(JUDGED))?.into_iter().collect())
    };
    build().map_err(unbuildable)
}

/// What binds a process in a jail: it does not set limits and priorities of others by their ids, of a group or of a user,
/// which are those of processes outside, too. By Landlock, which does not guard permissions, owners, times and attributes of
/// files, nor objects with names: nobody may set or make them.
pub(crate) fn for_jail(by_landlock: bool) -> Result<Vec<Program>, Error> {
    const EPERM: Errno = Errno(1);
    const SETS_LIMITS_OF_ANOTHER: When = When::All(&[When::IsNot(0, 0), When::Points(2)]);
    let build = || {
        let mut rules = Rules::new();
        let none = Numbers::default();
        let mut refuse = |call: Sysno, when: When| add(&mut rules, call, when, &[], &none);
        refuse(Sysno::prlimit64, SETS_LIMITS_OF_ANOTHER)?;
        refuse(Sysno::setpriority, When::IsNot(0, 0))?;
        refuse(Sysno::ioprio_set, When::IsNot(0, 1))?;
        if by_landlock {
            let attributes = |clause: &Clause| clause.action == Action::See(Effect::Inodes, Since::Snapshot);
            for call in Sysno::iter() {
                if let Some(Rule::Clauses(clauses)) = policy::rule(call)
                    && clauses.iter().any(attributes)
                {
                    refuse(call, When::Always)?;
                }
            }
            for call in [Sysno::shmget, Sysno::semget, Sysno::msgget, Sysno::mq_open] {
                refuse(call, When::Always)?;
            }
        }
        Ok(program(rules, errno(EPERM))?.into_iter().collect())
    };
    build().map_err(unbuildable)
}

/// Every call that has a row goes on to the other programs.
fn known_calls() -> Result<Program, BackendError> {
    const ENOSYS: u32 = 38;
    let known = Sysno::iter().filter(|call| policy::rule(*call).is_some());
    let rules = known.map(|call| (i64::from(call.id()), vec![])).collect();
    compile(rules, SeccompAction::Errno(ENOSYS), SeccompAction::Allow)
}

/// Calls by the x32 convention end the process, as those of 32-bit programs do in every program of the library's.
fn kill_x32() -> Program {
    const LOAD_NUMBER: u64 = 0x20; // BPF_LD | BPF_W | BPF_ABS, of seccomp_data.nr
    const JUMP_IF_AT_LEAST: u64 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
    const RETURN: u64 = 0x06; // BPF_RET | BPF_K
    const X32: u64 = 0x4000_0000;
    const KILL_PROCESS: u64 = 0x8000_0000;
    const ALLOW: u64 = 0x7fff_0000;
    let skip_when_false = 1 << 24;
    vec![
        LOAD_NUMBER,
        JUMP_IF_AT_LEAST | skip_when_false | X32 << 32,
        RETURN | KILL_PROCESS << 32,
        RETURN | ALLOW << 32,
    ]
}

/// A program for each error.
fn refusals(since: Since, numbers: &Numbers) -> Result<Vec<Program>, BackendError> {
    let refused = |action: Action| match action {
        Action::Refuse(errno, from) if from == since => Some(errno.0),
        _ => None,
    };
    let mut errors = BTreeSet::new();
    for_each_clause(&mut |_, _, _, action| {
        errors.extend(refused(action));
        Ok(())
    })?;
    let mut programs = Vec::new();
    for error in errors {
        let rules = rules_of(numbers, |action| refused(action) == Some(error))?;
        programs.extend(program(rules, errno(Errno(error)))?);
    }
    Ok(programs)
}

fn seen(since: Since, numbers: &Numbers, wanted: impl Fn(Effect) -> bool) -> Result<Rules, BackendError> {
    rules_of(numbers, |action| match action {
        Action::See(effect, from) => from == since && wanted(effect),
        Action::Deny(_, from) => from == since,
        Action::Refuse(..) => false,
    })
}

/// Visits each clause of the policy: its call, the operation that it is for, when it holds, what is done.
type Visit<'a> = dyn FnMut(Sysno, &[Part], When, Action) -> Result<(), BackendError> + 'a;

/// A part of the condition under which a call is of an operation: its argument lies in this range.
#[derive(Clone, Copy, Debug)]
struct Part {
    argument: u8,
    first: u32,
    last: u32,
}

impl Part {
    fn is(argument: u8, value: u32) -> Self {
        Self { argument, first: value, last: value }
    }
}

fn for_each_clause(visit: &mut Visit<'_>) -> Result<(), BackendError> {
    for call in Sysno::iter() {
        match policy::rule(call) {
            None => {}
            Some(Rule::Clauses(clauses) | Rule::Child(clauses)) => {
                for clause in clauses {
                    visit(call, &[], clause.when, clause.action)?;
                }
            }
            Some(Rule::Operations(groups, unknown)) => {
                for group in groups {
                    let within: Vec<Part> =
                        group.within.iter().map(|(argument, value, _)| Part::is(*argument, *value)).collect();
                    for (first, last, clause) in runs(group.known) {
                        let parts =
                            [within.clone(), vec![Part { argument: group.argument, first, last }]].concat();
                        visit(call, &parts, clause.when, clause.action)?;
                    }
                    for (first, last) in gaps(group.known.iter().map(|known| known.value)) {
                        let gap = Part { argument: group.argument, first, last };
                        let parts = [within.clone(), vec![gap]].concat();
                        visit(call, &parts, When::Always, unknown)?;
                    }
                }
                if let Some((argument, ..)) = groups.first().and_then(|group| group.within) {
                    let levels = groups.iter().filter_map(|group| group.within).map(|(_, value, _)| value);
                    for (first, last) in gaps(levels) {
                        visit(call, &[Part { argument, first, last }], When::Always, unknown)?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// Each clause with the operations that it is for, as ranges of their values, which makes programs short.
///
/// Where something is only seen, a range may reach over operations without a row: those are refused, which is stricter.
fn runs(known: &[Operation]) -> Vec<(u32, u32, Clause)> {
    let mut runs: Vec<(u32, u32, Clause)> = Vec::new();
    let mut clauses: Vec<Clause> = Vec::new();
    for clause in known.iter().flat_map(|known| known.clauses) {
        if !clauses.contains(clause) {
            clauses.push(*clause);
        }
    }
    for clause in clauses {
        let mut open = false;
        for known in known {
            if !known.clauses.contains(&clause) {
                open = false;
                continue;
            }
            let seen = matches!(clause.action, Action::See(..));
            match runs.last_mut() {
                Some((_, last, _)) if open && (seen || *last + 1 == known.value) => *last = known.value,
                _ => runs.push((known.value, known.value, clause)),
            }
            open = true;
        }
    }
    runs
}

/// The numbers between ascending ones, as ranges, first and last.
fn gaps(values: impl Iterator<Item = u32>) -> Vec<(u32, u32)> {
    let mut gaps = Vec::new();
    let mut next = Some(0);
    for value in values {
        if let Some(first) = next
            && first < value
        {
            gaps.push((first, value - 1));
        }
        next = value.checked_add(1);
    }
    gaps.extend(next.map(|first| (first, u32::MAX)));
    gaps
}

fn rules_of(numbers: &Numbers, wanted: impl Fn(Action) -> bool) -> Result<Rules, BackendError> {
    let mut rules = Rules::new();
    for_each_clause(&mut |call, parts, when, action| {
        if wanted(action) { add(&mut rules, call, when, parts, numbers) } else { Ok(()) }
    })?;
    Ok(rules)
}

/// Adds rules for a call; without any, it is meant whatever its arguments.
fn add(
    rules: &mut Rules,
    call: Sysno,
    when: When,
    parts: &[Part],
    numbers: &Numbers,
) -> Result<(), BackendError> {
    let number = i64::from(call.id());
    let always = rules.get(&number).is_some_and(Vec::is_empty);
    if always {
        return Ok(());
    }
    if when == When::Always && parts.is_empty() {
        rules.insert(number, Vec::new());
        return Ok(());
    }
    let part = parts.iter().map(|part| in_range(*part)).collect::<Result<Vec<_>, _>>()?.concat();
    for conditions in alternatives(when, numbers)? {
        let rule = SeccompRule::new([part.clone(), conditions].concat())?;
        rules.entry(number).or_default().push(rule);
    }
    Ok(())
}

fn condition(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

fn in_range(part: Part) -> Result<Vec<SeccompCondition>, BackendError> {
    let Part { argument, first, last } = part;
    if first == last {
        return Ok(vec![condition(argument, SeccompCmpOp::Eq, first.into())?]);
    }
    let mut conditions = vec![condition(argument, SeccompCmpOp::Ge, first.into())?];
    if last < u32::MAX {
        conditions.push(condition(argument, SeccompCmpOp::Le, last.into())?);
    }
    Ok(conditions)
}

/// The conditions of a clause, of which one set has to hold.
fn alternatives(when: When, numbers: &Numbers) -> Result<Vec<Vec<SeccompCondition>>, BackendError> {
    let one_of = |argument: u8, numbers: &[i32]| {
        let each = |(first, last): &(u32, u32)| in_range(Part { argument, first: *first, last: *last });
        ranges(numbers).iter().map(each).collect::<Result<Vec<_>, _>>()
    };
    Ok(match when {
        When::Always => vec![vec![]],
        When::Is(argument, value) => vec![vec![condition(argument, SeccompCmpOp::Eq, value.into())?]],
        When::IsNot(argument, value) => vec![vec![condition(argument, SeccompCmpOp::Ne, value.into())?]],
        When::Has(argument, mask, value) => {
            vec![vec![condition(argument, SeccompCmpOp::MaskedEq(mask.into()), value.into())?]]
        }
        When::Points(argument) => {
            vec![vec![SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)?]]
        }
        When::AtLeast(argument, value) => vec![vec![condition(argument, SeccompCmpOp::Ge, value.into())?]],
        When::WholeAtLeast(argument, value) => {
            vec![vec![SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Ge, value)?]]
        }
        When::Snapshot(argument) => one_of(argument, &numbers.all)?,
        When::Watched(argument) => one_of(argument, &numbers.watched)?,
        When::Socket(argument) => one_of(argument, &numbers.sockets)?,
        When::All(parts) => {
            let mut all = vec![vec![]];
            for part in parts {
                let mut longer = Vec::new();
                for conditions in &all {
                    for more in alternatives(*part, numbers)? {
                        longer.push([conditions.clone(), more].concat());
                    }
                }
                all = longer;
            }
            all
        }
    })
}

/// Numbers as ranges, first and last.
fn ranges(numbers: &[i32]) -> Vec<(u32, u32)> {
    let sorted: BTreeSet<u32> = numbers.iter().map(|number| *number as u32).collect();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in sorted {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    if ranges.len() > MAX_RANGES {
        let (first, last) = (ranges[0].0, ranges[ranges.len() - 1].1);
        ranges = vec![(first, last)];
    }
    ranges
}

fn errno(errno: Errno) -> SeccompAction {
    SeccompAction::Errno(errno.0 as u32)
}

fn trace(message: u64) -> SeccompAction {
    SeccompAction::Trace(message as u32)
}

/// A program that does `action` where a rule fits and lets everything else pass; none without rules.
fn program(rules: Rules, action: SeccompAction) -> Result<Option<Program>, BackendError> {
    if rules.is_empty() {
        return Ok(None);
    }
    compile(rules, SeccompAction::Allow, action).map(Some)
}

fn compile(rules: Rules, otherwise: SeccompAction, action: SeccompAction) -> Result<Program, BackendError> {
    let filter = SeccompFilter::new(rules, otherwise, action, TargetArch::x86_64)?;
    let program: BpfProgram = filter.try_into()?;
    Ok(program.iter().map(word).collect())
}

/// `struct sock_filter` as the 64 bits that it is in memory.
fn word(instruction: &seccompiler::sock_filter) -> u64 {
    u64::from(instruction.code)
        | u64::from(instruction.jt) << 16
        | u64::from(instruction.jf) << 24
        | u64::from(instruction.k) << 32
}

/// A program that the library would not make.
#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn unbuildable(error: BackendError) -> Error {
    Error::Unsupported { strategy: "seccomp".into(), why: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BPF_MAXINSNS: usize = 4096;
    /// `MAX_INSNS_PER_PATH`, with what each program counts for beside its instructions.
    const MAX_OF_ALL: usize = (1 << 18) / 8;

    fn scattered() -> Numbers {
        let all: Vec<i32> = (0..MAX_RANGES as i32).flat_map(|at| [at * 5, at * 5 + 1]).collect();
        Numbers { sockets: all.clone(), watched: all.clone(), all }
    }

    #[test]
    fn the_programs_are_short_enough_for_the_kernel() {
        let start = from_the_start().expect("the rules are fixed");
        let snapshot = from_the_snapshot(&scattered(), true).expect("the rules are fixed");
        let jail = for_jail(true).expect("the rules are fixed");
        let all: Vec<_> = start.iter().chain(&snapshot).chain(&jail).collect();
        for program in &all {
            assert!((4..BPF_MAXINSNS).contains(&program.len()), "{}", program.len());
        }
        assert!(all.iter().map(|program| program.len() + 4).sum::<usize>() < MAX_OF_ALL);
    }

    #[test]
    fn descriptors_become_ranges() {
        assert_eq!(ranges(&[0, 1, 2, 3, 7, 9, 10]), [(0, 3), (7, 7), (9, 10)]);
        assert_eq!(ranges(&[8, 2, 4, 6, 0]), [(0, 8)]);
        assert_eq!(ranges(&[]), []);
    }

    #[test]
    fn operations_that_are_treated_alike_become_ranges() {
        const SEEN: &[Clause] =
            &[Clause { when: When::Always, action: Action::See(Effect::Inodes, Since::Snapshot) }];
        const REFUSED: &[Clause] =
            &[Clause { when: When::Always, action: Action::Refuse(Errno(22), Since::Snapshot) }];
        let op = |value, clauses| Operation { value, name: "", clauses };
        let ranges = |known: &[Operation]| {
            runs(known).into_iter().map(|(first, last, _)| (first, last)).collect::<Vec<_>>()
        };
        assert_eq!(ranges(&[op(1, SEEN), op(5, SEEN), op(7, &[]), op(8, SEEN)]), [(1, 5), (8, 8)]);
        assert_eq!(ranges(&[op(1, REFUSED), op(2, REFUSED), op(4, REFUSED)]), [(1, 2), (4, 4)]);
    }

    #[test]
    fn gaps_lie_between_the_known_values() {
        assert_eq!(gaps([0, 1, 5].into_iter()), [(2, 4), (6, u32::MAX)]);
        assert_eq!(gaps([3, u32::MAX].into_iter()), [(0, 2), (4, u32::MAX - 1)]);
        assert_eq!(gaps(std::iter::empty()), [(0, u32::MAX)]);
    }
}
