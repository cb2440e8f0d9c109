//! The policy: a row for every system call, and for every operation of the calls that have many.
//!
//! ```text
//!   calls, operations   the rows: what a call may leave behind, and what is done about it
//!     -> programs       seccomp programs made from the rows
//!     -> judgement      what a call that the kernel shows us means for the next restore
//!     -> described      the same as text, for the documents and for whoever asks
//! ```
//!
//! Unknown means refused: a call without a row answers `ENOSYS`, an operation without a row the error at which programs
//! fall back.

mod calls;
mod described;
mod operations;

use groundhog_sys::Errno;
use groundhog_sys::forking::Found;
use syscalls::Sysno;

pub use described::{PolicyRow, described};

/// From when on a call is refused or seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// From the first instruction of the program.
    Start,
    /// From the snapshot on: the function's owner may do it while loading and in the warm-up.
    Snapshot,
}

/// Whose state a call sets, unless it names another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Of the calling thread: gone with a new thread or a child.
    Thread,
    /// Of the calling process: gone with a child.
    Process,
    /// Of the address space, which a child may share.
    Memory,
    /// Of the process or thread whose id is in this argument; 0 is the caller.
    Named(u8),
    /// Likewise, if the argument before says that it is an id of one process: value of that argument.
    NamedIf(u8, u32),
    /// Of the user or the machine: it outlives the process.
    Machine,
    /// Of an open file or what it leads to.
    File,
}

/// What a call can set and a restore puts back or compares, beside memory, layout, descriptors and files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StateKind {
    /// Whether others may look into the process.
    Dumpable,
    /// Resource limits.
    Limits,
    /// Memory that stays in memory.
    MemoryLocks,
    /// The mask of file modes.
    Mask,
    /// The working directory.
    Directory,
    /// Policies, priorities and processors.
    Scheduling,
    /// Names of threads.
    Name,
    /// How late timers may be.
    Slack,
    /// What else `prctl` and `personality` set.
    Settings,
    /// Alternate signal stacks.
    AlternateStack,
    /// Timers of `setitimer` and `alarm`.
    IntervalTimers,
    /// Timers of `timer_create`.
    PosixTimers,
    /// The number that the next of those gets.
    TimerNumbers,
    /// What is written as a file under `/proc`.
    Written,
}

/// What a call that is seen may have left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Mappings changed, or memory was given back.
    Layout,
    /// Mappings have other flags, which the list of mappings does not show. For memory mapped since the snapshot: nothing.
    MappingFlags,
    /// Likewise, but of memory of the snapshot it cannot be put back, nor where it could get there, or to a file.
    MemoryPolicy,
    /// Mappings moved, maybe to where some of the snapshot was.
    Moves,
    /// Files may have changed: names, contents, attributes.
    Files,
    /// A file may be shorter, which takes along the pages that a private mapping of it had for itself.
    Truncation,
    /// Attributes of what a descriptor of the snapshot leads to, under whatever number or name.
    Inodes,
    /// State of this kind.
    Sets(StateKind, Scope),
    /// The action of the signal in the first argument.
    SignalAction,
    /// Signals were sent, which may wait.
    Signals,
    /// Signals will be sent to whoever is set, with no call that says so.
    AsksForSignals,
    /// Descriptors of the snapshot were closed. Not seen where restores look for themselves: programs that a child executes close
    /// much, and know nothing of what the numbers are in the process.
    Closes,
    /// They were replaced, or their close-on-exec flags were set.
    Numbers,
    /// The descriptor in this argument has a duplicate.
    Duplicates(u8),
    /// Status flags of the open file in this argument.
    StatusFlags(u8),
    /// What else is set on the open file in this argument: locks, owners, masks, timers, members of a set.
    OpenFile(u8),
    /// Members of the epoll set in this argument: added, taken out, or set up otherwise.
    Members(u8),
    /// The timer descriptor in this argument.
    TimerDescriptor(u8),
    /// An option of the socket in this argument that is what it was last set to, and tells that.
    SocketOption(u8),
    /// How the kernel reads ahead in the open file in this argument, which nobody can ask for.
    ReadsAhead(u8),
    /// Bytes went through the descriptor in this argument.
    Transfer(u8),
    /// What is sent through the descriptor in this argument may be held back until more is sent.
    Corks(u8),
    /// The connection in this argument was shut down.
    Shuts(u8),
    /// A message that may carry descriptors.
    Control,
    /// Several messages are sent through the descriptor in this argument. Denied where the kernel itself is asked by them: it answers one
    /// after the other, and nothing ends that.
    Questions(u8),
    /// A terminal was set.
    Terminal,
    /// A socket is to share its port with others.
    SharesPort,
    /// A file without a name may have got one, which it can get once only.
    Names,
    /// Pages of the file in the first of these arguments go to the pipe or socket in the second as they are. Denied where a request may
    /// write the file, and where either is a pipe of this process's, which could not be read and written meanwhile.
    SharesPages(u8, u8),
    /// A thread ends. One of the snapshot is held there.
    EndsThread,
    /// An interrupted call goes on. Denied where no call was interrupted since the snapshot.
    Restarts,
    /// The process binds itself by a seccomp program of its own.
    Escapes,
    /// It cannot be put back: the process is retired.
    Retires(Scope),
}

/// What is done about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The kernel answers with an error.
    Refuse(Errno, Since),
    /// We do, since the engine itself makes the call inside the process.
    Deny(Errno, Since),
    /// The call is made, and we see it before.
    See(Effect, Since),
}

/// Which calls of a row an action is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// All.
    Always,
    /// Those with this number in this argument (its lower half, as the kernel reads it).
    Is(u8, u32),
    /// Those with another one.
    IsNot(u8, u32),
    /// Those with these bits of this argument as in the last number.
    Has(u8, u32, u32),
    /// Those with a pointer in this argument.
    Points(u8),
    /// Those with this number or more in this argument (its lower half).
    AtLeast(u8, u32),
    /// Those with this number or more in this argument as a whole.
    WholeAtLeast(u8, u64),
    /// Those that name a descriptor of the snapshot in this argument.
    Snapshot(u8),
    /// Those that name a socket of the snapshot that does not tell what went through it.
    Watched(u8),
    /// Those that name any socket of the snapshot.
    Socket(u8),
    /// Those for which all of these hold.
    All(&'static [When]),
}

/// One thing done about some calls of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    pub(crate) when: When,
    pub(crate) action: Action,
}

/// An operation of a call that has many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    pub(crate) value: u32,
    pub(crate) name: &'static str,
    pub(crate) clauses: &'static [Clause],
}

/// The operations of a call, by the number in one of its arguments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operations {
    /// Only where these arguments have these values: a level of options, for example.
    pub(crate) within: Option<(u8, u32, &'static str)>,
    pub(crate) argument: u8,
    /// In ascending order of their values.
    pub(crate) known: &'static [Operation],
}

/// What the policy says of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// Whatever its operation, these clauses hold; none: nothing outlives it but registers and memory, or what every restore
    /// compares.
    Clauses(&'static [Clause]),
    /// It makes or becomes another thread, process or program, which ptrace follows.
    Child(&'static [Clause]),
    /// By operation; and what is done about those without a row.
    Operations(&'static [Operations], Action),
}

/// The row of a call; none: the policy does not know it.
pub(crate) fn rule(call: Sysno) -> Option<Rule> {
    static BY_NUMBER: Found<Vec<Option<Rule>>> = Found::new();
    let rules = BY_NUMBER.or(|| {
        let mut rules = vec![None; Sysno::last() as usize + 1];
        for (calls, rule) in calls::CALLS {
            for call in *calls {
                rules[call.id() as usize] = Some(*rule);
            }
        }
        rules
    });
    rules.get(call.id() as usize).copied().flatten()
}

/// Level and number of each option of sockets that is put back.
pub(crate) fn socket_options() -> Vec<(u32, u32)> {
    let Some(Rule::Operations(groups, _)) = rule(Sysno::setsockopt) else { return Vec::new() };
    let is_put_back = |clause: &Clause| matches!(clause.action, Action::See(Effect::SocketOption(_), _));
    let of_level = |group: &'static Operations| {
        let level = group.within.map(|(_, level, _)| level);
        let known = group.known.iter().filter(move |known| known.clauses.iter().any(is_put_back));
        known.filter_map(move |known| Some((level?, known.value)))
    };
    groups.iter().flat_map(of_level).collect()
}

impl Rule {
    /// The clauses that may hold for a call with these values in its arguments; none for an operation without a row.
    pub(crate) fn clauses(&self, arguments: &[u64; 6]) -> Option<&'static [Clause]> {
        let value = |argument: u8| arguments[usize::from(argument)] as u32;
        match self {
            Self::Clauses(clauses) | Self::Child(clauses) => Some(clauses),
            Self::Operations(groups, _) => groups
                .iter()
                .filter(|group| group.within.is_none_or(|(argument, wanted, _)| value(argument) == wanted))
                .find_map(|group| {
                    let at = group.known.binary_search_by_key(&value(group.argument), |known| known.value);
                    Some(group.known[at.ok()?].clauses)
                }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_has_exactly_one_row() {
        let rows: Vec<Sysno> = calls::CALLS.iter().flat_map(|(calls, _)| *calls).copied().collect();
        let missing: Vec<_> = Sysno::iter().filter(|call| !rows.contains(call)).collect();
        assert!(missing.is_empty(), "no row for {missing:?}");
        let mut seen = Vec::new();
        for call in rows {
            assert!(!seen.contains(&call), "two rows for {call}");
            seen.push(call);
        }
    }

    #[test]
    fn operations_are_in_order_so_that_they_are_found() {
        for (calls, rule) in calls::CALLS {
            let Rule::Operations(groups, _) = rule else { continue };
            for group in *groups {
                let values: Vec<u32> = group.known.iter().map(|known| known.value).collect();
                assert!(values.is_sorted_by(|a, b| a < b), "{calls:?}: {values:x?}");
            }
        }
    }

    #[test]
    fn options_that_are_put_back_are_those_with_such_rows() {
        let options = socket_options();
        assert!(options.contains(&(1, 9)), "SO_KEEPALIVE");
        assert!(options.contains(&(6, 1)), "TCP_NODELAY");
        assert!(!options.contains(&(6, 3)), "TCP_CORK holds back what is sent");
    }

    #[test]
    fn an_operation_is_found_by_the_lower_half_of_its_argument() {
        let fcntl = rule(Sysno::fcntl).expect("it has a row");
        let clauses = fcntl.clauses(&[3, 0x1_0000_0409, 0, 0, 0, 0]).expect("F_ADD_SEALS");
        assert!(matches!(clauses[0].action, Action::See(Effect::Inodes, Since::Snapshot)));
        assert!(fcntl.clauses(&[3, 4711, 0, 0, 0, 0]).is_none());
    }
}
