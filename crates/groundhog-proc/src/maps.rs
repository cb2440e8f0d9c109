//! `/proc/PID/maps`: the mappings of a process, in ascending order of address.
//!
//! Special mappings need not come last (`[vvar]` lies between the libraries and the loader on Linux 6.12), and
//! new ones appear with new kernels, so every line is parsed and an unknown bracketed name is kept as
//! [`Name::Other`] for the caller to refuse.
//!
//! # References
//! - [Linux: The /proc Filesystem](https://docs.kernel.org/filesystems/proc.html), section 1.1
//! - `fs/proc/task_mmu.c`, `show_map_vma`

use crate::text::{decimal, hex, quote, split_line, split_once};
use std::fmt::{self, Display, Formatter};

/// The smallest page of any supported architecture; every boundary is a multiple of it.
const PAGE: u64 = 4096;

/// One line of `/proc/PID/maps`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// First address.
    pub start: u64,
    /// First address after the mapping.
    pub end: u64,
    /// What the process may do there.
    pub perms: Perms,
    /// Offset of `start` in the file, in bytes.
    pub offset: u64,
    /// Device of the file; 0:0 for anonymous memory.
    pub device: Device,
    /// Inode of the file; 0 for anonymous memory.
    pub inode: u64,
    /// What the mapping is.
    pub name: Name,
}

impl Mapping {
    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.end - self.start
    }

    /// Never true for a parsed mapping: the parser refuses empty ranges.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.end == self.start
    }
}

/// The four permission letters.
#[expect(clippy::struct_excessive_bools, reason = "one for each letter, and all sixteen words occur")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Perms {
    /// `r`
    pub read: bool,
    /// `w`
    pub write: bool,
    /// `x`
    pub exec: bool,
    /// `s`: writes reach the file or the other processes; `p` otherwise.
    pub shared: bool,
}

/// A device number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Device {
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
}

/// The last column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    /// Nothing: private anonymous memory.
    Anonymous,
    /// `[anon:NAME]`: private anonymous memory named by `PR_SET_VMA_ANON_NAME`.
    NamedAnonymous(Vec<u8>),
    /// `[anon_shmem:NAME]`: shared anonymous memory named by `PR_SET_VMA_ANON_NAME`.
    NamedShmem(Vec<u8>),
    /// `[heap]`: where `brk` lies.
    Heap,
    /// `[stack]`: the stack of the first thread.
    Stack,
    /// `[vvar]` or `[vvar_vclock]`: data that the kernel writes for the vDSO.
    Vvar,
    /// `[vdso]`
    Vdso,
    /// `[vsyscall]`
    Vsyscall,
    /// `[uprobes]`
    Uprobes,
    /// Any other bracketed name, without the brackets: unknown, so not to be restored.
    Other(Vec<u8>),
    /// A file, or what the kernel shows as one (`/memfd:x`, `/dev/zero`, `anon_inode:[io_uring]`).
    Path {
        /// The path with newlines decoded, without the ` (deleted)` mark.
        path: Vec<u8>,
        /// The kernel appended ` (deleted)`. A file whose own name ends so cannot be told apart.
        deleted: bool,
    },
}

impl Display for Name {
    /// As the kernel writes it; empty for nothing.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let text = |name| String::from_utf8_lossy(name);
        match self {
            Self::Anonymous => Ok(()),
            Self::NamedAnonymous(name) => write!(f, "[anon:{}]", text(name)),
            Self::NamedShmem(name) => write!(f, "[anon_shmem:{}]", text(name)),
            Self::Heap => f.write_str("[heap]"),
            Self::Stack => f.write_str("[stack]"),
            Self::Vvar => f.write_str("[vvar]"),
            Self::Vdso => f.write_str("[vdso]"),
            Self::Vsyscall => f.write_str("[vsyscall]"),
            Self::Uprobes => f.write_str("[uprobes]"),
            Self::Other(name) => write!(f, "[{}]", text(name)),
            Self::Path { path, deleted } => {
                write!(f, "{}{}", text(path), if *deleted { " (deleted)" } else { "" })
            }
        }
    }
}

/// Why text is not a `/proc/PID/maps`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapsError {
    /// A field is missing or is not what the kernel writes.
    #[error("maps line {number}: bad {field}: {line}")]
    Malformed {
        /// Line number, from 1.
        number: usize,
        /// The field.
        field: &'static str,
        /// The line, quoted.
        line: String,
    },
    /// The range is empty, reversed or not page-aligned.
    #[error("maps line {number}: range is empty, reversed or unaligned: {line}")]
    BadRange {
        /// Line number, from 1.
        number: usize,
        /// The line, quoted.
        line: String,
    },
    /// The mapping begins before the one on the line before ends.
    #[error("maps line {number}: overlaps or precedes the line before: {line}")]
    Unordered {
        /// Line number, from 1.
        number: usize,
        /// The line, quoted.
        line: String,
    },
    /// The text does not end with a newline, so part of it is missing.
    #[error("maps line {number}: cut off: {line}")]
    Truncated {
        /// Line number, from 1.
        number: usize,
        /// The line, quoted.
        line: String,
    },
}

/// Parses a whole `/proc/PID/maps`.
///
/// An empty text gives no mappings: that is what the kernel shows for a zombie.
///
/// # Errors
/// [`MapsError`] for the first line that is not as the kernel writes it, or is out of order.
pub fn parse(text: &[u8]) -> Result<Vec<Mapping>, MapsError> {
    // Lines are 50 to 120 bytes long; 96 keeps reallocations to one at most.
    let mut mappings = Vec::with_capacity(text.len() / 96 + 1);
    let mut rest = text;
    let mut floor = 0;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let Some((line, tail)) = split_line(rest) else {
            return Err(MapsError::Truncated { number, line: quote(rest) });
        };
        let mapping = parse_line(line, number)?;
        if mapping.start < floor {
            return Err(MapsError::Unordered { number, line: quote(line) });
        }
        floor = mapping.end;
        mappings.push(mapping);
        rest = tail;
    }
    Ok(mappings)
}

/// Parses one line without its newline; `number` is for the error message.
pub(crate) fn parse_line(line: &[u8], number: usize) -> Result<Mapping, MapsError> {
    let bad = |field| MapsError::Malformed { number, field, line: quote(line) };
    let (start, rest) = split_once(line, b'-').ok_or_else(|| bad("address range"))?;
    let (end, rest) = split_once(rest, b' ').ok_or_else(|| bad("address range"))?;
    let start = hex(start).ok_or_else(|| bad("start address"))?;
    let end = hex(end).ok_or_else(|| bad("end address"))?;
    let (perms, rest) = split_once(rest, b' ').ok_or_else(|| bad("permissions"))?;
    let perms = parse_perms(perms).ok_or_else(|| bad("permissions"))?;
    let (offset, rest) = split_once(rest, b' ').ok_or_else(|| bad("offset"))?;
    let offset = hex(offset).ok_or_else(|| bad("offset"))?;
    let (device, rest) = split_once(rest, b' ').ok_or_else(|| bad("device"))?;
    let device = parse_device(device).ok_or_else(|| bad("device"))?;
    // The kernel writes a space after the inode even where no name follows.
    let (inode, rest) = split_once(rest, b' ').ok_or_else(|| bad("inode"))?;
    let inode = decimal(inode).ok_or_else(|| bad("inode"))?;
    let name = parse_name(rest.trim_ascii_start()).ok_or_else(|| bad("name"))?;
    if start >= end || start % PAGE != 0 || end % PAGE != 0 || offset % PAGE != 0 {
        return Err(MapsError::BadRange { number, line: quote(line) });
    }
    Ok(Mapping { start, end, perms, offset, device, inode, name })
}

fn parse_perms(token: &[u8]) -> Option<Perms> {
    let &[read, write, exec, shared] = token else { return None };
    let letter = |byte, set, clear| match byte {
        _ if byte == set => Some(true),
        _ if byte == clear => Some(false),
        _ => None,
    };
    Some(Perms {
        read: letter(read, b'r', b'-')?,
        write: letter(write, b'w', b'-')?,
        exec: letter(exec, b'x', b'-')?,
        shared: letter(shared, b's', b'p')?,
    })
}

fn parse_device(token: &[u8]) -> Option<Device> {
    let (major, minor) = split_once(token, b':')?;
    Some(Device { major: hex(major)?.try_into().ok()?, minor: hex(minor)?.try_into().ok()? })
}

fn parse_name(column: &[u8]) -> Option<Name> {
    if column.is_empty() {
        return Some(Name::Anonymous);
    }
    let Some(bracketed) = column.strip_prefix(b"[") else { return Some(parse_path(column)) };
    let inner = bracketed.strip_suffix(b"]")?;
    Some(match inner {
        b"heap" => Name::Heap,
        b"stack" => Name::Stack,
        b"vvar" | b"vvar_vclock" => Name::Vvar,
        b"vdso" => Name::Vdso,
        b"vsyscall" => Name::Vsyscall,
        b"uprobes" => Name::Uprobes,
        _ => {
            if let Some(name) = inner.strip_prefix(b"anon:") {
                Name::NamedAnonymous(name.to_vec())
            } else if let Some(name) = inner.strip_prefix(b"anon_shmem:") {
                Name::NamedShmem(name.to_vec())
            } else {
                Name::Other(inner.to_vec())
            }
        }
    })
}

fn parse_path(column: &[u8]) -> Name {
    let (path, deleted) = match column.strip_suffix(b" (deleted)") {
        Some(path) => (path, true),
        None => (column, false),
    };
    Name::Path { path: unescape(path), deleted }
}

/// Decodes `\012`. The kernel escapes newlines only, not backslashes: any other `\ooo` is part of the name, and
/// a name that itself holds `\012` cannot be told apart (the caller compares device and inode anyway).
fn unescape(path: &[u8]) -> Vec<u8> {
    const NEWLINE: &[u8] = b"\\012";
    if !path.contains(&b'\\') {
        return path.to_vec();
    }
    let mut plain = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some(&first) = rest.first() {
        if let Some(tail) = rest.strip_prefix(NEWLINE) {
            plain.push(b'\n');
            rest = tail;
        } else {
            plain.push(first);
            rest = &rest[1..];
        }
    }
    plain
}
