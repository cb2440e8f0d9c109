//! `/proc/PID/stat` (and of a thread): 52 fields on one line.
//!
//! The second field is the command name, which the process chooses itself: it may hold spaces, parentheses and
//! newlines, so the fields are counted from the *last* closing parenthesis.
//!
//! # References
//! - [proc_pid_stat(5)](https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html)

use crate::text::{quote, signed, split_once};

/// Fields by the names of the manual page; addresses are 0 where the kernel does not show them to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// (1) process or thread id.
    pub pid: u32,
    /// (2) command name, raw.
    pub comm: Vec<u8>,
    /// (3) state letter.
    pub state: u8,
    /// (4) parent.
    pub ppid: i64,
    /// (5) process group.
    pub pgrp: i64,
    /// (6) session.
    pub session: i64,
    /// (7) controlling terminal, 0 if none.
    pub tty_nr: i64,
    /// (9) kernel flags of the task.
    pub flags: u64,
    /// (10) minor page faults.
    pub minor_faults: u64,
    /// (12) major page faults.
    pub major_faults: u64,
    /// (14) time in user mode, in clock ticks.
    pub user_time: u64,
    /// (15) time in the kernel, in clock ticks.
    pub system_time: u64,
    /// (18) scheduling priority.
    pub priority: i64,
    /// (19) nice value.
    pub nice: i64,
    /// (20) threads of the process.
    pub num_threads: i64,
    /// (22) start after boot, in clock ticks: with the pid it names one process for good.
    pub start_time: u64,
    /// (23) virtual memory in bytes.
    pub vsize: u64,
    /// (24) resident pages.
    pub rss: i64,
    /// (26) first address of the program text.
    pub start_code: u64,
    /// (27) first address after the program text.
    pub end_code: u64,
    /// (28) bottom of the stack.
    pub start_stack: u64,
    /// (38) signal sent to the parent at exit.
    pub exit_signal: i64,
    /// (39) processor that it last ran on.
    pub processor: u64,
    /// (40) real-time priority.
    pub rt_priority: u64,
    /// (41) scheduling policy.
    pub policy: u64,
    /// (45) first address of the program data.
    pub start_data: u64,
    /// (46) first address after the program data.
    pub end_data: u64,
    /// (47) first address of the heap that `brk` moves.
    pub start_brk: u64,
    /// (48) first address of the arguments.
    pub arg_start: u64,
    /// (49) first address after the arguments.
    pub arg_end: u64,
    /// (50) first address of the environment.
    pub env_start: u64,
    /// (51) first address after the environment.
    pub env_end: u64,
    /// (52) exit status as `waitpid` gives it; of zombies.
    pub exit_code: i64,
}

/// Why text is not a `/proc/PID/stat`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatError {
    /// The part before the state, `PID (COMM) `, is not as the kernel writes it.
    #[error("stat: bad process id or command name: {line}")]
    Head {
        /// The text, quoted.
        line: String,
    },
    /// A field is not a number.
    #[error("stat: field {field} is not a number of its kind: {line}")]
    Malformed {
        /// Number of the field in the manual page, from 1.
        field: usize,
        /// The text, quoted.
        line: String,
    },
    /// The line ends too early.
    #[error("stat: cut off after field {field}: {line}")]
    Truncated {
        /// Number of the last field, from 1.
        field: usize,
        /// The text, quoted.
        line: String,
    },
}

/// Fields 3 to 52; later kernels may append more.
const TAIL_FIELDS: usize = 50;

/// Parses a whole `/proc/PID/stat`.
///
/// # Errors
/// [`StatError`] where the text is not as the kernel writes it.
pub fn parse(text: &[u8]) -> Result<Stat, StatError> {
    let head = || StatError::Head { line: quote(text) };
    let (pid, rest) = split_once(text, b' ').ok_or_else(head)?;
    let pid = signed(pid).and_then(|pid| pid.try_into().ok()).ok_or_else(head)?;
    let rest = rest.strip_prefix(b"(").ok_or_else(head)?;
    let close = rest.iter().rposition(|&byte| byte == b')').ok_or_else(head)?;
    let tail = rest[close + 1..].strip_prefix(b" ").ok_or_else(head)?;
    // Every number ends at a blank or at the final newline; without it the last one may be cut short.
    let Some(tail) = tail.strip_suffix(b"\n") else {
        return Err(StatError::Truncated {
            field: 2 + tail.split(|&b| b == b' ').count(),
            line: quote(text),
        });
    };
    let mut tokens: [&[u8]; TAIL_FIELDS] = [b""; TAIL_FIELDS];
    let mut count = 0;
    for (slot, token) in tokens.iter_mut().zip(tail.split(|&byte| byte == b' ')) {
        *slot = token;
        count += 1;
    }
    if count < TAIL_FIELDS {
        return Err(StatError::Truncated { field: 2 + count, line: quote(text) });
    }
    let fields = Fields { text, tokens };
    let &[state] = tokens[0] else { return Err(fields.bad(3)) };
    if !state.is_ascii_alphabetic() {
        return Err(fields.bad(3));
    }
    Ok(Stat {
        pid,
        comm: rest[..close].to_vec(),
        state,
        ppid: fields.signed(4)?,
        pgrp: fields.signed(5)?,
        session: fields.signed(6)?,
        tty_nr: fields.signed(7)?,
        flags: fields.unsigned(9)?,
        minor_faults: fields.unsigned(10)?,
        major_faults: fields.unsigned(12)?,
        user_time: fields.unsigned(14)?,
        system_time: fields.unsigned(15)?,
        priority: fields.signed(18)?,
        nice: fields.signed(19)?,
        num_threads: fields.signed(20)?,
        start_time: fields.unsigned(22)?,
        vsize: fields.unsigned(23)?,
        rss: fields.signed(24)?,
        start_code: fields.unsigned(26)?,
        end_code: fields.unsigned(27)?,
        start_stack: fields.unsigned(28)?,
        exit_signal: fields.signed(38)?,
        processor: fields.unsigned(39)?,
        rt_priority: fields.unsigned(40)?,
        policy: fields.unsigned(41)?,
        start_data: fields.unsigned(45)?,
        end_data: fields.unsigned(46)?,
        start_brk: fields.unsigned(47)?,
        arg_start: fields.unsigned(48)?,
        arg_end: fields.unsigned(49)?,
        env_start: fields.unsigned(50)?,
        env_end: fields.unsigned(51)?,
        exit_code: fields.signed(52)?,
    })
}

struct Fields<'a> {
    text: &'a [u8],
    tokens: [&'a [u8]; TAIL_FIELDS],
}

impl Fields<'_> {
    fn bad(&self, field: usize) -> StatError {
        StatError::Malformed { field, line: quote(self.text) }
    }

    fn signed(&self, field: usize) -> Result<i64, StatError> {
        signed(self.tokens[field - 3]).ok_or_else(|| self.bad(field))
    }

    fn unsigned(&self, field: usize) -> Result<u64, StatError> {
        crate::text::decimal(self.tokens[field - 3]).ok_or_else(|| self.bad(field))
    }
}
