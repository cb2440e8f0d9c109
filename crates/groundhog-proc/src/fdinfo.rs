//! `/proc/PID/fdinfo/N`: what the kernel says of one descriptor.
//!
//! # References
//! - [Linux: The /proc Filesystem](https://docs.kernel.org/filesystems/proc.html), section 3.8

/// `O_CLOEXEC` among the flags; the same on every architecture that we run on.
const CLOSE_ON_EXEC: u32 = 0o2_000_000;

/// The lines that every kind of file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FdInfo {
    /// Access mode, status flags, and `O_CLOEXEC` where the descriptor is closed by `execve`.
    pub flags: u32,
}

impl FdInfo {
    /// Whether the descriptor is closed by `execve`.
    #[must_use]
    pub fn close_on_exec(self) -> bool {
        self.flags & CLOSE_ON_EXEC != 0
    }
}

/// Why text is not a `/proc/PID/fdinfo/N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FdInfoError {
    /// There is no `flags:` line with an octal number.
    #[error("fdinfo: no flags line with an octal number")]
    NoFlags,
}

/// Parses a whole `/proc/PID/fdinfo/N`; lines that only some kinds of files have are passed over.
///
/// # Errors
/// `NoFlags` when the line that everything has is missing or is no number.
pub fn parse(text: &[u8]) -> Result<FdInfo, FdInfoError> {
    let value = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"flags:"));
    let digits = value.and_then(|value| std::str::from_utf8(value).ok()).ok_or(FdInfoError::NoFlags)?;
    let flags = u32::from_str_radix(digits.trim(), 8).map_err(|_| FdInfoError::NoFlags)?;
    Ok(FdInfo { flags })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_octal() {
        let info = parse(b"pos:\t0\nflags:\t0100002\nmnt_id:\t9\nino:\t63\n");
        assert_eq!(info, Ok(FdInfo { flags: 0o100_002 }));
        assert_eq!(info.map(FdInfo::close_on_exec), Ok(false));
    }

    #[test]
    fn close_on_exec_is_one_of_them() {
        assert_eq!(parse(b"pos:\t0\nflags:\t02000000\n").map(FdInfo::close_on_exec), Ok(true));
    }

    #[test]
    fn a_text_without_flags_is_refused() {
        assert_eq!(parse(b"pos:\t0\n"), Err(FdInfoError::NoFlags));
        assert_eq!(
            parse(b"flags:\t9\n").map_err(|e| e.to_string()),
            Err("fdinfo: no flags line with an octal number".into())
        );
    }
}
