//! The ways to find out which pages were written.

use std::fmt;
use std::str::FromStr;

/// How writes are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// Asynchronous write-protection; pages that most requests write are left unprotected and always copied back.
    Hot,
    /// Asynchronous write-protection of everything again after each request, copied page by page, as published.
    Classic,
    /// Soft-dirty bits, for kernels that have them.
    SoftDirty,
    /// No tracking: everything is compared. Slow and always right.
    Copy,
}

impl Strategy {
    /// All of them, the preferred first.
    pub const ALL: [Self; 4] = [Self::Hot, Self::Classic, Self::SoftDirty, Self::Copy];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Classic => "classic",
            Self::SoftDirty => "soft-dirty",
            Self::Copy => "copy",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Strategy {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|strategy| strategy.name() == name)
            .ok_or_else(|| format!("no strategy {name:?}; there are hot, classic, soft-dirty and copy"))
    }
}
