//! `/proc/PID/status` (and of a thread): what the kernel knows of a process, one field a line.
//!
//! # References
//! - [proc_pid_status(5)](https://man7.org/linux/man-pages/man5/proc_pid_status.5.html)
//! - `fs/proc/array.c`, `proc_pid_status`

use crate::text::{decimal, hex, octal, quote, split_line, split_once};

/// The fields that isolation depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// `Name`: the command name as the kernel writes it (newline as `\n`, backslash as `\\`).
    pub name: Vec<u8>,
    /// `Umask`; absent for one that has ended (zombie), as all that it shared with threads.
    pub umask: Option<u32>,
    /// `State`: the letter only.
    pub state: u8,
    /// `Tgid`: the process.
    pub tgid: u32,
    /// `Pid`: the thread.
    pub pid: u32,
    /// `PPid`: 0 when the parent is outside our PID namespace.
    pub ppid: u32,
    /// `TracerPid`: 0 when not traced.
    pub tracer_pid: u32,
    /// `Uid`
    pub uid: Ids,
    /// `Gid`
    pub gid: Ids,
    /// `Groups`: supplementary groups, ascending.
    pub groups: Vec<u32>,
    /// `VmLck` in bytes; absent for a process without memory (zombie).
    pub vm_lck: Option<u64>,
    /// `Threads`
    pub threads: u32,
    /// `SigQ`: signals queued for the real user.
    pub sigq: u64,
    /// `SigQ`: the limit of queued signals.
    pub sigq_limit: u64,
    /// `SigPnd`: pending for the thread; bit N-1 is signal N, as in all the masks below.
    pub sig_pnd: u64,
    /// `ShdPnd`: pending for the process.
    pub shd_pnd: u64,
    /// `SigBlk`: blocked.
    pub sig_blk: u64,
    /// `SigIgn`: ignored.
    pub sig_ign: u64,
    /// `SigCgt`: caught by a handler.
    pub sig_cgt: u64,
    /// The five capability sets.
    pub caps: Caps,
    /// `NoNewPrivs`
    pub no_new_privs: bool,
    /// `Seccomp`: 0 none, 1 strict, 2 filter.
    pub seccomp: u32,
    /// `Seccomp_filters`; absent before Linux 5.9.
    pub seccomp_filters: Option<u32>,
}

/// The four ids of `Uid` or `Gid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ids {
    /// Of whoever started the process.
    pub real: u32,
    /// For permission checks.
    pub effective: u32,
    /// Saved by set-user-ID.
    pub saved: u32,
    /// For files.
    pub filesystem: u32,
}

/// Capability sets as bit masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Caps {
    /// `CapInh`
    pub inheritable: u64,
    /// `CapPrm`
    pub permitted: u64,
    /// `CapEff`
    pub effective: u64,
    /// `CapBnd`
    pub bounding: u64,
    /// `CapAmb`
    pub ambient: u64,
}

/// Why text is not a `/proc/PID/status`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusError {
    /// A field holds something else than it should.
    #[error("status line {number}: bad {field}: {line}")]
    Malformed {
        /// Line number, from 1.
        number: usize,
        /// The field.
        field: &'static str,
        /// The line, quoted.
        line: String,
    },
    /// A field comes twice.
    #[error("status line {number}: {field} comes twice: {line}")]
    Twice {
        /// Line number, from 1.
        number: usize,
        /// The field.
        field: &'static str,
        /// The line, quoted.
        line: String,
    },
    /// The text does not end with a newline, so part of it is missing.
    #[error("status line {number}: cut off: {line}")]
    Truncated {
        /// Line number, from 1.
        number: usize,
        /// The line, quoted.
        line: String,
    },
    /// A field that every supported kernel writes is not there.
    #[error("status has no {field}")]
    Missing {
        /// The field.
        field: &'static str,
    },
}

/// The wanted fields, each with its place in [`Values`].
const FIELDS: [&str; 26] = [
    "Name",
    "Umask",
    "State",
    "Tgid",
    "Pid",
    "PPid",
    "TracerPid",
    "Uid",
    "Gid",
    "Groups",
    "VmLck",
    "Threads",
    "SigQ",
    "SigPnd",
    "ShdPnd",
    "SigBlk",
    "SigIgn",
    "SigCgt",
    "CapInh",
    "CapPrm",
    "CapEff",
    "CapBnd",
    "CapAmb",
    "NoNewPrivs",
    "Seccomp",
    "Seccomp_filters",
];

/// Where a field was found: its value, its line and the number of that line.
type Values<'a> = [Option<(&'a [u8], &'a [u8], usize)>; FIELDS.len()];

/// Parses a whole `/proc/PID/status`; lines that are not wanted are passed over.
///
/// # Errors
/// [`StatusError`] for a wanted field that is missing, doubled or not as the kernel writes it.
pub fn parse(text: &[u8]) -> Result<Status, StatusError> {
    let found = Found { values: collect(text)? };
    Ok(Status {
        name: found.required("Name", |value| Some(value.to_vec()))?,
        umask: found.optional("Umask", |value| narrow(octal(value)))?,
        state: found.required("State", |value| value.first().copied().filter(u8::is_ascii_alphabetic))?,
        tgid: found.required("Tgid", |value| narrow(decimal(value)))?,
        pid: found.required("Pid", |value| narrow(decimal(value)))?,
        ppid: found.required("PPid", |value| narrow(decimal(value)))?,
        tracer_pid: found.required("TracerPid", |value| narrow(decimal(value)))?,
        uid: found.required("Uid", ids)?,
        gid: found.required("Gid", ids)?,
        groups: found.required("Groups", numbers)?,
        vm_lck: found.optional("VmLck", |value| decimal(value.strip_suffix(b" kB")?)?.checked_mul(1024))?,
        threads: found.required("Threads", |value| narrow(decimal(value)))?,
        sigq: found.required("SigQ", |value| decimal(split_once(value, b'/')?.0))?,
        sigq_limit: found.required("SigQ", |value| decimal(split_once(value, b'/')?.1))?,
        sig_pnd: found.required("SigPnd", hex)?,
        shd_pnd: found.required("ShdPnd", hex)?,
        sig_blk: found.required("SigBlk", hex)?,
        sig_ign: found.required("SigIgn", hex)?,
        sig_cgt: found.required("SigCgt", hex)?,
        caps: Caps {
            inheritable: found.required("CapInh", hex)?,
            permitted: found.required("CapPrm", hex)?,
            effective: found.required("CapEff", hex)?,
            bounding: found.required("CapBnd", hex)?,
            ambient: found.required("CapAmb", hex)?,
        },
        no_new_privs: found.required("NoNewPrivs", |value| match value {
            b"0" => Some(false),
            b"1" => Some(true),
            _ => None,
        })?,
        seccomp: found.required("Seccomp", |value| narrow(decimal(value)))?,
        seccomp_filters: found.optional("Seccomp_filters", |value| narrow(decimal(value)))?,
    })
}

fn collect(text: &[u8]) -> Result<Values<'_>, StatusError> {
    let mut values: Values<'_> = [None; FIELDS.len()];
    let mut rest = text;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let Some((line, tail)) = split_line(rest) else {
            return Err(StatusError::Truncated { number, line: quote(rest) });
        };
        rest = tail;
        let Some((key, value)) = split_once(line, b':') else { continue };
        let Some(slot) = FIELDS.iter().position(|field| field.as_bytes() == key) else { continue };
        // A name may begin or end with blanks of its own: only the kernel's tab is not part of it.
        let value = match FIELDS[slot] {
            "Name" => value.strip_prefix(b"\t").unwrap_or(value),
            _ => value.trim_ascii(),
        };
        if values[slot].replace((value, line, number)).is_some() {
            return Err(StatusError::Twice { number, field: FIELDS[slot], line: quote(line) });
        }
    }
    Ok(values)
}

struct Found<'a> {
    values: Values<'a>,
}

impl<'a> Found<'a> {
    fn optional<T>(
        &self,
        field: &'static str,
        read: impl FnOnce(&'a [u8]) -> Option<T>,
    ) -> Result<Option<T>, StatusError> {
        let slot = FIELDS.iter().position(|known| *known == field);
        let Some((value, line, number)) = slot.and_then(|slot| self.values[slot]) else { return Ok(None) };
        match read(value) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(StatusError::Malformed { number, field, line: quote(line) }),
        }
    }

    fn required<T>(
        &self,
        field: &'static str,
        read: impl FnOnce(&'a [u8]) -> Option<T>,
    ) -> Result<T, StatusError> {
        self.optional(field, read)?.ok_or(StatusError::Missing { field })
    }
}

fn narrow(value: Option<u64>) -> Option<u32> {
    value?.try_into().ok()
}

fn numbers(value: &[u8]) -> Option<Vec<u32>> {
    value
        .split(u8::is_ascii_whitespace)
        .filter(|token| !token.is_empty())
        .map(|token| narrow(decimal(token)))
        .collect()
}

fn ids(value: &[u8]) -> Option<Ids> {
    let &[real, effective, saved, filesystem] = numbers(value)?.as_slice() else { return None };
    Some(Ids { real, effective, saved, filesystem })
}
