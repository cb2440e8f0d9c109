//! A folder in which the process may write, by the sides from which it is seen.

use crate::error::{Reason, Step, Trouble};
use groundhog_sys::folder::{EntryKind, Folder, Stat};
use groundhog_sys::jail::Sides;
use groundhog_sys::{Errno, Result};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

const MAX_NAMES: usize = 20_000;
const MAX_DEPTH: usize = 64;
/// What the owner of a folder needs to see what is in it.
const READ_AND_ENTER: u32 = 0o500;

/// A folder in which the process may write.
#[derive(Debug)]
pub(crate) struct Private {
    path: PathBuf,
    /// As the process sees it.
    pub(super) merged: Folder,
    /// Only what was written; the same folder where nothing shows through.
    pub(super) written: Folder,
    /// What shows through.
    pub(super) below: Option<Folder>,
    /// Reading a file leaves no trace in it: it lies on mounts of the process's own.
    pub(super) reads_unseen: bool,
}

impl Private {
    /// A folder that lies over the one of that name here.
    pub(crate) fn overlay(path: PathBuf, sides: Sides) -> Result<Self> {
        let below = Some(Folder::open(&path)?);
        Ok(Self {
            path,
            merged: Folder::new(sides.merged),
            written: Folder::new(sides.written),
            below,
            reads_unseen: true,
        })
    }

    /// A folder through which nothing shows.
    pub(crate) fn alone(path: PathBuf, folder: OwnedFd) -> Result<Self> {
        let written =
            Folder::new(folder.try_clone().map_err(|error| Errno(error.raw_os_error().unwrap_or(5)))?);
        Ok(Self { path, merged: Folder::new(folder), written, below: None, reads_unseen: true })
    }

    /// A folder here that is the process's alone.
    pub(crate) fn plain(path: &Path) -> Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            merged: Folder::open(path)?,
            written: Folder::open(path)?,
            below: None,
            reads_unseen: false,
        })
    }

    /// How many blocks and files it has room for; none where it shares that with others.
    pub(super) fn room(&self) -> Step<Option<(u64, u64)>> {
        if !self.reads_unseen {
            return Ok(None);
        }
        self.at(Path::new(""), self.written.room()).map(Some)
    }

    /// Whether a request may write in place to a file that was opened by that name, or has.
    pub(super) fn is_written_to(&self, path: &Path, inode: u64) -> bool {
        let Ok(within) = path.strip_prefix(&self.path) else { return false };
        // What shows through from below is copied before it is written.
        let shows_through = self.below.is_some() && matches!(self.written.stat(within), Ok(None));
        !(shows_through && matches!(self.merged.stat(within), Ok(Some(stat)) if stat.inode == inode))
    }

    /// Whether nothing shows through, so that its files are files of a file system, and no overlay's.
    pub(crate) fn is_alone(&self) -> bool {
        self.below.is_none()
    }

    /// Where the process sees it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// All names in what was written, the folder itself as an empty one, each before what lies in it.
    pub(super) fn walk(&self, lock_out: LockOut) -> Step<BTreeMap<PathBuf, Stat>> {
        let mut found = BTreeMap::new();
        let mut open = vec![PathBuf::new()];
        let too_much = |what: &str| Err(self.trouble(what));
        while let Some(path) = open.pop() {
            let Some(stat) = self.at(&path, self.written.stat(&path))? else { continue };
            if stat.kind == EntryKind::Folder {
                if path.components().count() >= MAX_DEPTH {
                    return too_much("holds folders that are nested too deep");
                }
                let is_locked = stat.mode & READ_AND_ENTER != READ_AND_ENTER;
                if is_locked && lock_out == LockOut::Refuse {
                    return too_much("holds a folder that its owner may not enter");
                }
                if is_locked {
                    // Its permissions differ from what they are to be: they are set at last.
                    self.at(&path, self.merged.open_up(&path))?;
                }
                let names = self.at(&path, self.written.names(&path))?;
                open.extend(names.iter().map(|name| path.join(name)));
            }
            found.insert(path, stat);
            if found.len() + open.len() > MAX_NAMES {
                return too_much("holds too many files");
            }
        }
        Ok(found)
    }

    pub(super) fn trouble(&self, what: &str) -> Trouble {
        Trouble::Refused(Reason::Files, format!("its private folder {} {what}", self.path.display()))
    }

    pub(super) fn refuse<T>(&self, path: &Path, what: &str) -> Step<T> {
        Err(Trouble::Refused(Reason::Files, format!("{} {what}", self.path.join(path).display())))
    }

    pub(super) fn at<T>(&self, path: &Path, result: Result<T>) -> Step<T> {
        result.map_err(|errno| {
            let place = self.path.join(path);
            Trouble::Refused(Reason::Files, format!("{} cannot be put back: {errno}", place.display()))
        })
    }
}

/// What is done about folders that their owner may not enter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LockOut {
    Refuse,
    Open,
}
