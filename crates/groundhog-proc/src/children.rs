//! `/proc/PID/task/TID/children`: the child processes that one thread started.
//!
//! # References
//! - [proc_tid_children(5)](https://man7.org/linux/man-pages/man5/proc_tid_children.5.html): exact only while the
//!   children are stopped or frozen, so the caller reads it again until it is empty.

use crate::text::{decimal, quote};

/// Why text is not a `children` file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChildrenError {
    /// Not a process id.
    #[error("children: {token} is not a process id: {line}")]
    Malformed {
        /// The token, quoted.
        token: String,
        /// The text, quoted.
        line: String,
    },
    /// The text does not end with the blank that the kernel writes after each id, so the last may be cut short.
    #[error("children: cut off: {line}")]
    Truncated {
        /// The text, quoted.
        line: String,
    },
}

/// Parses the ids, in the order of birth.
///
/// # Errors
/// [`ChildrenError`] where the text is not positive numbers, each followed by a blank.
pub fn parse(text: &[u8]) -> Result<Vec<u32>, ChildrenError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let Some(ids) = text.strip_suffix(b" ") else {
        return Err(ChildrenError::Truncated { line: quote(text) });
    };
    ids.split(|&byte| byte == b' ')
        .map(|token| {
            decimal(token)
                .and_then(|id| u32::try_from(id).ok())
                .filter(|&id| id != 0)
                .ok_or_else(|| ChildrenError::Malformed { token: quote(token), line: quote(text) })
        })
        .collect()
}
