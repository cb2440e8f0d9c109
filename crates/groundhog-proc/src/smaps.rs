//! `/proc/PID/smaps`: what `maps` does not tell of each mapping.
//!
//! Read at snapshot time only (it walks every page table), for `MADV_WIPEONFORK` (`wf`) and `MAP_DROPPABLE`
//! (`dp`) memory, which must be zeroed instead of restored, and for lazily freed pages.
//!
//! # References
//! - [Linux: The /proc Filesystem](https://docs.kernel.org/filesystems/proc.html), section 1.1, `VmFlags`
//! - `fs/proc/task_mmu.c`, `show_smap_vma_flags`

use crate::maps::{self, Mapping, MapsError};
use crate::text::{decimal, quote, split_line};

/// One mapping of `/proc/PID/smaps`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The header line.
    pub mapping: Mapping,
    /// The flags of the mapping.
    pub flags: VmFlags,
    /// Bytes marked by `MADV_FREE` and not yet freed: their content may vanish at any time.
    pub lazy_free: u64,
}

/// The two-letter codes of a `VmFlags` line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VmFlags {
    codes: Vec<[u8; 2]>,
}

impl VmFlags {
    /// Whether the kernel set this flag, e.g. `has(b"wf")`.
    #[must_use]
    pub fn has(&self, code: &[u8; 2]) -> bool {
        self.codes.contains(code)
    }

    /// The codes in the order in which the kernel wrote them.
    pub fn iter(&self) -> impl Iterator<Item = [u8; 2]> + '_ {
        self.codes.iter().copied()
    }
}

/// Why text is not a `/proc/PID/smaps`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmapsError {
    /// A header line is not as the kernel writes it.
    #[error("smaps, {0}")]
    Header(#[from] MapsError),
    /// A field holds something else than it should.
    #[error("smaps line {number}: bad {field}: {line}")]
    Malformed {
        /// Line number, from 1.
        number: usize,
        /// The field.
        field: &'static str,
        /// The line, quoted.
        line: String,
    },
    /// A mapping has no such field.
    #[error("smaps line {number}: the mapping {start:x}-{end:x} that ends here has no {field}")]
    Missing {
        /// Number of the last line of the mapping, from 1.
        number: usize,
        /// First address.
        start: u64,
        /// First address after it.
        end: u64,
        /// The field.
        field: &'static str,
    },
    /// A field precedes the first mapping, or comes twice.
    #[error("smaps line {number}: misplaced {field}: {line}")]
    Misplaced {
        /// Line number, from 1.
        number: usize,
        /// The field.
        field: &'static str,
        /// The line, quoted.
        line: String,
    },
}

/// A mapping whose fields are still being read.
struct Partial {
    mapping: Mapping,
    flags: Option<VmFlags>,
    lazy_free: Option<u64>,
}

impl Partial {
    fn finish(self, number: usize) -> Result<Entry, SmapsError> {
        let Mapping { start, end, .. } = self.mapping;
        let missing = |field| SmapsError::Missing { number, start, end, field };
        Ok(Entry {
            flags: self.flags.ok_or_else(|| missing("VmFlags"))?,
            lazy_free: self.lazy_free.ok_or_else(|| missing("LazyFree"))?,
            mapping: self.mapping,
        })
    }
}

/// Parses a whole `/proc/PID/smaps`. Fields that are not wanted are passed over, known or not.
///
/// # Errors
/// [`SmapsError`] for the first header that [`maps::parse`] would refuse, and where a mapping lacks a wanted
/// field (a text that was cut off lacks `VmFlags`, the last one).
pub fn parse(text: &[u8]) -> Result<Vec<Entry>, SmapsError> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut partial: Option<Partial> = None;
    let mut floor = 0;
    let mut rest = text;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let Some((line, tail)) = split_line(rest) else {
            return Err(MapsError::Truncated { number, line: quote(rest) }.into());
        };
        if let Some((field, value)) = field_of(line) {
            read_field(partial.as_mut(), field, value, number, line)?;
        } else {
            if let Some(done) = partial.take() {
                entries.push(done.finish(number - 1)?);
            }
            let mapping = maps::parse_line(line, number)?;
            if mapping.start < floor {
                return Err(MapsError::Unordered { number, line: quote(line) }.into());
            }
            floor = mapping.end;
            partial = Some(Partial { mapping, flags: None, lazy_free: None });
        }
        rest = tail;
    }
    if let Some(done) = partial {
        entries.push(done.finish(number)?);
    }
    Ok(entries)
}

/// Sum of [`Entry::lazy_free`] over all mappings, in bytes.
#[must_use]
pub fn lazy_free_total(entries: &[Entry]) -> u64 {
    entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.lazy_free))
}

/// A field line has a colon before its first space; a header line has its range there.
fn field_of(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|&byte| byte == b':' || byte == b' ')?;
    (line[at] == b':').then(|| (&line[..at], &line[at + 1..]))
}

fn read_field(
    partial: Option<&mut Partial>,
    field: &[u8],
    value: &[u8],
    number: usize,
    line: &[u8],
) -> Result<(), SmapsError> {
    let field = match field {
        b"VmFlags" => "VmFlags",
        b"LazyFree" => "LazyFree",
        _ => return Ok(()),
    };
    let misplaced = || SmapsError::Misplaced { number, field, line: quote(line) };
    let malformed = || SmapsError::Malformed { number, field, line: quote(line) };
    let partial = partial.ok_or_else(misplaced)?;
    if field == "VmFlags" {
        let flags = parse_flags(value).ok_or_else(malformed)?;
        if partial.flags.replace(flags).is_some() {
            return Err(misplaced());
        }
    } else {
        let bytes = parse_kib(value).ok_or_else(malformed)?;
        if partial.lazy_free.replace(bytes).is_some() {
            return Err(misplaced());
        }
    }
    Ok(())
}

fn parse_flags(value: &[u8]) -> Option<VmFlags> {
    let codes = value
        .split(|&byte| byte == b' ')
        .filter(|code| !code.is_empty())
        .map(|code| code.try_into().ok())
        .collect::<Option<Vec<[u8; 2]>>>()?;
    Some(VmFlags { codes })
}

fn parse_kib(value: &[u8]) -> Option<u64> {
    decimal(value.trim_ascii().strip_suffix(b" kB")?)?.checked_mul(1024)
}
