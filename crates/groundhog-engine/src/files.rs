//! Private files: what a request wrote, removed or renamed in its folders is put back.
//!
//! Nothing is looked at unless a call was seen that may have changed files. Then all that was written since the process
//! was started, which is little, is compared with what was there at the snapshot, or with what shows through from below.

mod comparison;
mod component;
mod entry;
mod holes;
pub(crate) mod jail;
mod kept_file;
pub(crate) mod mounts;
pub(crate) mod page_sharing;
pub(crate) mod pinned_files;
mod private;
pub(crate) mod writable;

pub(crate) use component::PrivateFiles;
pub(crate) use private::Private;

use crate::error::Step;
use comparison::Comparison;
use entry::Entry;
use groundhog_sys::Errno;
use groundhog_sys::folder::{EntryKind, Stat};
use private::LockOut;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// More than this in all files is not kept: requests that write files then cost the process.
const MAX_BYTES: u64 = 64 << 20;
/// What the kernel appends to a name that is gone.
const DELETED: &[u8] = b" (deleted)";

/// What must stay the very file under its name, since the process would follow it to another name.
#[derive(Debug)]
enum Held {
    /// Everything: what is watched, symbolic links among it, is told by numbers that an overlay may have made up.
    All,
    /// Files of these inodes, which it has open or mapped.
    Files(BTreeSet<u64>),
}

impl Held {
    fn contains(&self, stat: &Stat) -> bool {
        match self {
            Self::All => matches!(stat.kind, EntryKind::File | EntryKind::Folder | EntryKind::Link),
            Self::Files(inodes) => stat.kind == EntryKind::File && inodes.contains(&stat.inode),
        }
    }
}

/// The private folders of a process, and what was written in them at the snapshot.
#[derive(Debug, Default)]
struct Files {
    /// None: more than is kept.
    images: Vec<Option<BTreeMap<PathBuf, Entry>>>,
}

impl Files {
    /// Remembers what was written so far.
    fn save(folders: &[Private], held: &Held) -> Self {
        Self { images: folders.iter().map(|folder| image(folder, held)).collect() }
    }

    /// Puts back what has changed; says how many names those were.
    fn revert(&self, folders: &[Private]) -> Step<u64> {
        let mut reverted = 0;
        for (folder, image) in folders.iter().zip(&self.images) {
            let Some(image) = image else {
                return Err(folder.trouble("held more at the snapshot than is kept, and may have changed"));
            };
            reverted += Comparison { folder, image }.revert()?;
        }
        Ok(reverted)
    }

    /// The first difference.
    fn difference(&self, folders: &[Private]) -> Step<Option<String>> {
        for (folder, image) in folders.iter().zip(&self.images) {
            let Some(image) = image else {
                let path = folder.path().display();
                return Ok(Some(format!("its private folder {path} held more than is kept to be compared")));
            };
            let comparison = Comparison { folder, image };
            let walked = folder.walk(LockOut::Refuse)?;
            if let Some((path, repair)) = comparison.differences(&walked)?.into_iter().next() {
                let name = folder.path().join(path);
                return Ok(Some(format!("{} is not as at the snapshot ({repair:?})", name.display())));
            }
            if let Some((path, what)) = comparison.lasting(&walked) {
                return Ok(Some(format!("{} {what}", folder.path().join(path).display())));
            }
        }
        Ok(None)
    }
}

/// `None`: more than is kept, or something that cannot be read.
fn image(folder: &Private, held: &Held) -> Option<BTreeMap<PathBuf, Entry>> {
    let mut left = MAX_BYTES;
    let mut image = BTreeMap::new();
    for (path, stat) in folder.walk(LockOut::Refuse).ok()? {
        left = left.checked_sub(stat.size)?;
        let held = held.contains(&stat);
        let entry = Entry::of(&folder.written, &folder.merged, &path, stat, MAX_BYTES).ok()?;
        let is_file = entry.stat.kind == EntryKind::File;
        let behind =
            if is_file { folder.written.behind_end(&path, entry.stat.size).ok()? } else { Vec::new() };
        image.insert(path, Entry { behind, held, ..entry });
    }
    Some(image)
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn from_io(error: std::io::Error) -> Errno {
    Errno(error.raw_os_error().unwrap_or(5))
}
