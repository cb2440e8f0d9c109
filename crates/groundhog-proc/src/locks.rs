//! `/proc/locks`: the locks and leases on files, of everybody.
//!
//! # References
//! - [proc_locks(5)](https://man7.org/linux/man-pages/man5/proc_locks.5.html)

use crate::maps::Device;
use crate::text::{decimal, hex, quote};

/// Why a line is not one of `/proc/locks`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("locks: no file in {line}")]
pub struct LocksError {
    /// The line, quoted.
    line: String,
}

/// A file by its device and inode.
pub type File = (Device, u64);

/// The files that are locked, or waited for, each once a lock.
///
/// # Errors
/// [`LocksError`] where a line names no file.
pub fn files(text: &[u8]) -> Result<Vec<File>, LocksError> {
    let is_of_file =
        |line: &&[u8]| !line.is_empty() && !line.windows(NO_FILE.len()).any(|part| part == NO_FILE);
    let lines = text.split(|byte| *byte == b'\n').filter(is_of_file);
    lines.map(|line| file(line).ok_or_else(|| LocksError { line: quote(line) })).collect()
}

/// What stands for one that is no file any more.
const NO_FILE: &[u8] = b" <none>:0 ";

/// "1: POSIX  ADVISORY  WRITE 2147 fe:00:1049 0 EOF", "1: -> FLOCK ...".
fn file(line: &[u8]) -> Option<File> {
    /// What stands before the file, but for an arrow: the number, the kind, how it binds, what for, and whose it is.
    const BEFORE: usize = 5;
    let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty() && *word != b"->");
    let mut parts = words.nth(BEFORE)?.split(|byte| *byte == b':');
    let mut half = || u32::try_from(hex(parts.next()?)?).ok();
    let device = Device { major: half()?, minor: half()? };
    let inode = decimal(parts.next()?)?;
    parts.next().is_none().then_some((device, inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_whatever_the_kind_of_lock() {
        let text = b"1: POSIX  ADVISORY  READ 5433 08:01:7864448 128 128\n\
            2: FLOCK  ADVISORY  WRITE 2001 fe:00:7864554 0 EOF\n\
            2: -> FLOCK  ADVISORY  WRITE 2002 fe:00:7864554 0 EOF\n\
            3: OFDLCK ADVISORY  WRITE -1 00:1a:12 0 EOF\n\
            4: LEASE  ACTIVE    READ  812 00:1b:13 0 EOF\n\
            5: POSIX  ADVISORY  WRITE 9 <none>:0 0 EOF\n";
        let file = |major, minor, inode| (Device { major, minor }, inode);
        let locked = file(0xfe, 0, 7_864_554);
        assert_eq!(
            files(text),
            Ok(vec![file(8, 1, 7_864_448), locked, locked, file(0, 0x1a, 12), file(0, 0x1b, 13)])
        );
        assert_eq!(files(b""), Ok(vec![]));
    }

    #[test]
    fn a_line_that_names_no_file_is_an_error() {
        for text in
            [&b"1: POSIX  ADVISORY  READ 5433"[..], b"1: POSIX  ADVISORY  READ 5433 08:01 0 EOF\n", b"x\n"]
        {
            assert!(files(text).is_err(), "{}", String::from_utf8_lossy(text));
        }
    }
}
