//! The policy as text: for the documents, which are made from it, and for whoever asks.

use super::{Action, Clause, Effect, Rule, Since, When, rule};
use std::collections::BTreeSet;
use syscalls::Sysno;

/// A row of the policy in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRow {
    /// The call's number.
    pub number: u32,
    /// The call.
    pub call: &'static str,
    /// Its operation; empty: all.
    pub operation: String,
    /// The operation's value, and the value that the argument before has to have, if that counts.
    pub values: Option<(u32, Option<u32>)>,
    /// `pure`, `layout`, `files`, `state`, `descriptor`, `child`, `refused`, `retires`, in the order of the strictest.
    pub class: &'static str,
    /// What is refused, seen and put back, in short.
    pub answer: String,
}

/// Every row.
#[must_use]
pub fn described() -> Vec<PolicyRow> {
    let mut rows = Vec::new();
    for call in Sysno::iter() {
        let Some(rule) = rule(call) else { continue };
        let row = |operation: String, values, (class, answer)| PolicyRow {
            number: call.id() as u32,
            call: call.name(),
            operation,
            values,
            class,
            answer,
        };
        match rule {
            Rule::Clauses(clauses) => rows.push(row(String::new(), None, of(clauses, "pure"))),
            Rule::Child(clauses) => rows.push(row(String::new(), None, of(clauses, "child"))),
            Rule::Operations(groups, unknown) => {
                for group in groups {
                    let within = group.within.map(|(_, value, _)| value);
                    let prefix = group.within.map(|(_, _, name)| format!("{name} ")).unwrap_or_default();
                    rows.extend(group.known.iter().map(|known| {
                        let values = Some((known.value, within));
                        row(format!("{prefix}{}", known.name), values, of(known.clauses, "pure"))
                    }));
                }
                let others = of(&[Clause { when: When::Always, action: unknown }], "pure");
                rows.push(row("others".into(), None, others));
            }
        }
    }
    rows
}

fn of(clauses: &[Clause], without: &'static str) -> (&'static str, String) {
    let mut answers = BTreeSet::new();
    let mut class = without;
    for clause in clauses {
        let (found, answer) = in_words(clause.action);
        let answer = match clause.when {
            When::AtLeast(..) | When::WholeAtLeast(..) => format!("of much: {answer}"),
            when if is_of_snapshot(when) => format!("of the snapshot: {answer}"),
            _ => answer,
        };
        if clause.when == When::Always || class == "pure" {
            class = stricter(class, found);
        }
        answers.insert(answer);
    }
    (class, answers.into_iter().collect::<Vec<_>>().join("; "))
}

fn is_of_snapshot(when: When) -> bool {
    match when {
        When::Snapshot(_) | When::Watched(_) | When::Socket(_) => true,
        When::All(parts) => parts.iter().any(|part| is_of_snapshot(*part)),
        _ => false,
    }
}

fn stricter(one: &'static str, other: &'static str) -> &'static str {
    const ORDER: [&str; 8] =
        ["pure", "child", "layout", "files", "descriptor", "state", "retires", "refused"];
    let at = |class: &str| ORDER.iter().position(|known| *known == class);
    if one == "child" || at(one) >= at(other) { one } else { other }
}

fn in_words(action: Action) -> (&'static str, String) {
    let when = |since| if since == Since::Start { "from the start" } else { "from the snapshot on" };
    match action {
        Action::Refuse(errno, since) | Action::Deny(errno, since) => {
            ("refused", format!("refused {}: {}", when(since), errno_name(errno)))
        }
        Action::See(effect, _) => {
            let (class, answer) = effect_in_words(effect);
            (class, answer.to_owned())
        }
    }
}

fn errno_name(errno: groundhog_sys::Errno) -> &'static str {
    syscalls::Errno::new(errno.0).name().unwrap_or("an error")
}

fn effect_in_words(effect: Effect) -> (&'static str, &'static str) {
    match effect {
        Effect::Layout => ("layout", "mappings are compared and put back"),
        Effect::MappingFlags => ("layout", "flags of mappings are compared and put back"),
        Effect::MemoryPolicy => ("layout", "retires, but for private memory mapped since the snapshot"),
        Effect::Moves => ("layout", "retires, for memory with a policy of its own"),
        Effect::Truncation => ("files", "private pages of mapped files are compared"),
        Effect::Files => ("files", "private files are compared and put back"),
        Effect::Inodes => ("descriptor", "what descriptors of the snapshot lead to is compared"),
        Effect::Sets(..) => ("state", "compared and put back"),
        Effect::SignalAction => ("state", "the signal's action is put back"),
        Effect::Signals => ("state", "signals that wait are dropped"),
        Effect::AsksForSignals => ("state", "which thread gets the next signal is put back"),
        Effect::Closes | Effect::Numbers => ("descriptor", "descriptors of the snapshot are put back"),
        Effect::Duplicates(_) => ("descriptor", "what a duplicate may have set is compared"),
        Effect::StatusFlags(_) => ("descriptor", "status flags are put back"),
        Effect::OpenFile(_) | Effect::Members(_) => ("descriptor", "compared and put back, else retires"),
        Effect::TimerDescriptor(_) => ("descriptor", "timers are set back"),
        Effect::SocketOption(_) => ("descriptor", "options are set back"),
        Effect::ReadsAhead(_) => ("descriptor", "retires, for an open file of the snapshot"),
        Effect::Corks(_) => ("descriptor", "retires, if a message is unfinished"),
        Effect::Transfer(_) | Effect::Shuts(_) => ("descriptor", "the connection is ended"),
        Effect::Control => (
            "descriptor",
            "retires, if others than pipes and sockets of the request, or Unix sockets, are sent, or to others than itself and its \
             descendants",
        ),
        Effect::Questions(_) => ("descriptor", "refused (EINVAL), if the kernel itself is asked"),
        Effect::SharesPort => ("descriptor", "retires, where the snapshot has a socket that shares its port"),
        Effect::Terminal => ("descriptor", "retires, where the snapshot has a terminal"),
        Effect::Names => ("files", "retires, where the snapshot has a file without a name"),
        Effect::SharesPages(..) => {
            ("files", "refused (EINVAL), if a request may write the file, or a pipe is the supervisor's")
        }
        Effect::EndsThread => ("state", "a thread of the snapshot is held at its end, and put back"),
        Effect::Restarts => ("state", "refused (EINTR), unless a call of this request was interrupted"),
        Effect::Escapes | Effect::Retires(_) => ("retires", "retires"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_say_what_they_are() {
        let rows = described();
        let find = |call: &str, operation: &str| {
            let found = rows.iter().find(|row| row.call == call && row.operation == operation);
            let row = found.unwrap_or_else(|| panic!("no row for {call} {operation}"));
            (row.class, row.answer.as_str())
        };
        assert_eq!(find("getpid", "").0, "pure");
        assert_eq!(find("mmap", "").0, "layout");
        assert_eq!(find("umask", ""), ("state", "compared and put back"));
        assert_eq!(find("vfork", "").0, "child");
        assert_eq!(find("vmsplice", ""), ("refused", "refused from the start: EINVAL"));
        assert_eq!(find("fcntl", "others"), ("refused", "refused from the snapshot on: EINVAL"));
        assert_eq!(find("setsockopt", "SOL_SOCKET SO_ZEROCOPY").0, "refused");
        assert_eq!(find("setuid", "").0, "retires");
    }
}
