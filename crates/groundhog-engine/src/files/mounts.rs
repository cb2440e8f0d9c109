//! What is mounted on this machine, as far as it decides where private folders can be.

use super::from_io;
use groundhog_proc::mountinfo::{self, Mount};
use groundhog_sys::{Errno, Result, open_file};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Everything that is mounted.
#[derive(Debug)]
pub(crate) struct Mounts {
    all: Vec<Mount>,
    /// Where terminals are made.
    pub(crate) terminals: Vec<PathBuf>,
}

impl Mounts {
    /// As it is now.
    pub(crate) fn now() -> Result<Self> {
        let text = std::fs::read("/proc/self/mountinfo").map_err(from_io)?;
        let parsed =
            mountinfo::mounts(&text).and_then(|all| Ok((all, mountinfo::mounts_of("devpts", &text)?)));
        let (all, terminals) = parsed.map_err(|_| Errno(71))?; // EPROTO
        let terminals = terminals.iter().map(|mount| place(mount).to_owned()).collect();
        Ok(Self { all, terminals })
    }

    /// The first mount that one finds below a folder, given by its real name; another mount may hide it. The kernel lays no overlay
    /// over such a folder in a namespace of a user: it might show what is beneath the mount.
    pub(crate) fn below(&self, folder: &Path) -> Option<&Path> {
        let is_below = |mount: &&Mount| place(mount) != folder && place(mount).starts_with(folder);
        self.all.iter().filter(is_below).find(|mount| is_reached(mount)).map(place)
    }
}

/// Those of some folders below which something is mounted, and what: processes in a jail by namespaces cannot write there. What is no
/// folder is passed over.
///
/// # Errors
/// When it cannot be told what is mounted.
pub fn mounted_below(folders: &[PathBuf]) -> std::io::Result<Vec<(PathBuf, PathBuf)>> {
    let mounts = Mounts::now().map_err(|errno| std::io::Error::from_raw_os_error(errno.0))?;
    let below = |folder: &PathBuf| {
        let mounted = mounts.below(&folder.canonicalize().ok()?)?.to_owned();
        Some((folder.clone(), mounted))
    };
    Ok(folders.iter().filter_map(below).collect())
}

fn place(mount: &Mount) -> &Path {
    Path::new(OsStr::from_bytes(&mount.point))
}

fn is_reached(mount: &Mount) -> bool {
    match open_file::mount_of(place(mount)) {
        Ok(0) => true, // the kernel does not tell
        Ok(found) => found == mount.id,
        Err(errno) => errno != Errno(2) && errno != Errno(20), // ENOENT, ENOTDIR
    }
}
