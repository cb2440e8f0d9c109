//! `/proc/PID/fdinfo/N`: what the kernel says of one descriptor.
//!
//! # References
//! - [Linux: The /proc Filesystem](https://docs.kernel.org/filesystems/proc.html), section 3.8

use crate::text::quote;

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

/// The count of an eventfd; none for other files, and where it is no hexadecimal number.
#[must_use]
pub fn eventfd_count(text: &[u8]) -> Option<u64> {
    value(text, b"eventfd-count:", 16)
}

/// How many expirations of a timerfd wait to be read; none for other files, and where it is no number.
#[must_use]
pub fn timer_ticks(text: &[u8]) -> Option<u64> {
    value(text, b"ticks:", 10)
}

fn value(text: &[u8], name: &[u8], radix: u32) -> Option<u64> {
    let value = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(name))?;
    u64::from_str_radix(std::str::from_utf8(value).ok()?.trim(), radix).ok()
}

/// What an epoll set watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The descriptor's number, as it was when it was added.
    pub number: i32,
    /// The events, with those that the kernel always adds.
    pub events: u32,
    /// What the program gets with them.
    pub data: u64,
}

/// The targets of an epoll set, in the kernel's order; none for other files.
///
/// # Errors
/// [`EpollError`] for a line that begins as a target's and goes on otherwise.
pub fn epoll_targets(text: &[u8]) -> Result<Vec<Target>, EpollError> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"tfd:"));
    lines.map(|line| target(line).ok_or_else(|| EpollError { line: quote(line) })).collect()
}

fn target(line: &[u8]) -> Option<Target> {
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    let mut value = |name| if words.next() == Some(name) { words.next() } else { None };
    Some(Target {
        number: value("tfd:")?.parse().ok()?,
        events: u32::from_str_radix(value("events:")?, 16).ok()?,
        data: u64::from_str_radix(value("data:")?, 16).ok()?,
    })
}

/// The flags that a timer was last set with; none for other files.
///
/// # Errors
/// [`TimerError`] when the line that tells them holds no octal number.
pub fn timer_flags(text: &[u8]) -> Result<Option<u32>, TimerError> {
    let value = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"settime flags:"));
    let parse = |value: &[u8]| {
        let digits = std::str::from_utf8(value).ok()?;
        u32::from_str_radix(digits.trim(), 8).ok()
    };
    value.map(|value| parse(value).ok_or_else(|| TimerError { flags: quote(value) })).transpose()
}

/// Flags of a timer that are no octal number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fdinfo: bad flags of a timer: {flags}")]
pub struct TimerError {
    /// What stands there, quoted.
    pub flags: String,
}

/// A line that is no target of an epoll set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fdinfo: bad target of an epoll set: {line}")]
pub struct EpollError {
    /// The line, quoted.
    pub line: String,
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

    #[test]
    fn counts_of_eventfds_and_timers() {
        let counter = b"pos:\t0\nflags:\t02\neventfd-count:               1f\neventfd-id: 2\n";
        assert_eq!((eventfd_count(counter), timer_ticks(counter)), (Some(0x1f), None));
        let timer = b"pos:\t0\nflags:\t02\nclockid: 1\nticks: 12\nsettime flags: 00\n";
        assert_eq!((eventfd_count(timer), timer_ticks(timer)), (None, Some(12)));
        assert_eq!(timer_ticks(b"ticks: many\n"), None);
    }

    #[test]
    fn the_targets_of_an_epoll_set() {
        let text = b"pos:\t0\nflags:\t02000002\nmnt_id:\t17\nino:\t1038\n\
            tfd:       17 events:       19 data:               11  pos:0 ino:40e sdev:10\n\
            tfd:        5 events: 8000001d data: ffffffffffffffff  pos:0 ino:40e sdev:10\n";
        let targets = [
            Target { number: 17, events: 0x19, data: 0x11 },
            Target { number: 5, events: 0x8000_001d, data: u64::MAX },
        ];
        assert_eq!(epoll_targets(text), Ok(targets.to_vec()));
        assert_eq!(epoll_targets(b"pos:\t0\nflags:\t02\n"), Ok(vec![]));
    }

    #[test]
    fn a_line_that_is_no_target_is_refused() {
        let refused = epoll_targets(b"tfd: 17 events: 19\n").map_err(|error| error.to_string());
        assert_eq!(refused, Err("fdinfo: bad target of an epoll set: \"tfd: 17 events: 19\"".into()));
    }

    #[test]
    fn the_flags_of_a_timer() {
        let text = b"pos:\t0\nflags:\t02\nclockid: 1\nticks: 0\nsettime flags: 01\nit_value: (0, 0)\n";
        assert_eq!(timer_flags(text), Ok(Some(1)));
        assert_eq!(timer_flags(b"pos:\t0\nflags:\t02\n"), Ok(None));
        let refused = timer_flags(b"settime flags: x\n").map_err(|error| error.to_string());
        assert_eq!(refused, Err("fdinfo: bad flags of a timer: \" x\"".into()));
    }
}
