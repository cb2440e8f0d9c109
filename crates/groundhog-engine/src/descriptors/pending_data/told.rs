//! What polling an open file tells beside whether it can be read.

use crate::descriptors::survey::OpenFile;
use groundhog_sys::fcntl::{FileType, Ready};

/// What is told once, or for ever after, and cannot be put back.
#[derive(Debug)]
pub(super) enum Told {
    /// Nothing of the kind.
    Nothing,
    /// Of a pipe: that nobody has its other end. One with a name tells it only once somebody has had that.
    HungUp(bool),
    /// Of a file under `/proc` or `/sys`: that it has changed since it was last read.
    Changed(bool),
}

impl Told {
    pub(super) fn of(file: &OpenFile, ready: Ready) -> Self {
        match file.kind {
            _ if file.is_ours => Self::Nothing,
            FileType::Pipe => Self::HungUp(ready.hung_up),
            FileType::File => Self::Changed(ready.urgent),
            FileType::Socket | FileType::Anonymous => Self::Nothing,
        }
    }

    /// What it tells otherwise, in words.
    pub(super) fn difference(&self, now: Ready) -> Option<&'static str> {
        match self {
            Self::HungUp(before) if *before != now.hung_up => {
                Some("is a pipe whose other end was opened or closed")
            }
            Self::Changed(before) if *before != now.urgent => {
                Some("tells of a change once, which was taken or has come")
            }
            _ => None,
        }
    }
}
