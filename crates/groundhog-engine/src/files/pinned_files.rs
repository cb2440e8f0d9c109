//! Files that the process has open or mapped since before the snapshot: under the same names, and those without one with
//! the same contents. What is put back under a name is another file, which they would not follow.

use super::kept_file::KeptFile;
use super::{DELETED, Private};
use crate::duplicate::Duplicate;
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::trace::inspect;
use crate::trace::process::Process;
use groundhog_proc::maps::{Mapping, Name};
use groundhog_sys::file_contents::Access;
use groundhog_sys::folder::{EntryKind, Stat};
use groundhog_sys::{Result, fcntl, file_contents};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// More than this in one file is not kept.
const MAX_BYTES: u64 = 64 << 20;
const LOOKING: &str = "looking at a file without a name";

/// What was held at the snapshot.
#[derive(Debug, Default)]
pub(crate) struct PinnedFiles {
    open: Vec<Open>,
    /// None where files with names are not put back.
    working_directory: Option<PathBuf>,
    /// Names of mapped files that had gone, if any is mapped that may go.
    gone: Option<BTreeSet<Vec<u8>>>,
}

#[derive(Debug)]
struct Open {
    duplicate: Arc<Duplicate>,
    name: PathBuf,
    /// Where in it the process was, if it is a folder: names that are gone by now may wait to be read.
    place: Option<u64>,
    unnamed: Option<Unnamed>,
}

/// A file without a name, which nothing but its descriptor leads to.
#[derive(Debug)]
struct Unnamed {
    kept: KeptFile,
    attributes: Vec<(Vec<u8>, Vec<u8>)>,
    /// Reading mapped memory takes up space in it.
    mapped: bool,
}

impl Unnamed {
    fn of(file: &OwnedFd, mapped: &BTreeSet<u64>) -> Result<Option<Self>> {
        let stat = file_contents::stat(file)?;
        if stat.kind != EntryKind::File || stat.links > 0 {
            return Ok(None);
        }
        let kept = KeptFile::save(file, Access::Read, MAX_BYTES)?;
        let mapped = mapped.contains(&stat.inode);
        Ok(Some(Self { kept, attributes: file_contents::attributes(file)?, mapped }))
    }

    /// Of what cannot be put back.
    fn has_other_attributes(&self, file: &OwnedFd) -> Result<bool> {
        let now = file_contents::stat(file)?;
        // Some file systems note each reading, ours too.
        let blocks = if self.mapped { now.blocks } else { self.kept.stat.blocks };
        let stat = Stat { accessed: now.accessed, blocks, ..self.kept.stat.clone() };
        Ok(now != stat || file_contents::attributes(file)? != self.attributes)
    }
}

impl PinnedFiles {
    /// Whether there is nothing to look at.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.working_directory.is_none()
    }

    /// Remembers it.
    pub(crate) fn save(process: &Process, private: &[Private], used: &InUse) -> Step<Self> {
        let mut open = Vec::new();
        for (_, file, offset) in &used.open {
            let name = file_contents::name(file).or_trouble(Reason::Inspection, "reading its descriptors")?;
            let unnamed =
                Unnamed::of(file, &used.mapped).or_trouble(Reason::Files, "reading a file without a name")?;
            let stat =
                file_contents::stat(file).or_trouble(Reason::Inspection, "looking at its descriptors")?;
            // Without a jail, files with names are not put back.
            if private.is_empty() && unnamed.is_none() {
                continue;
            }
            let place = offset.filter(|offset| stat.kind == EntryKind::Folder && *offset > 0);
            open.push(Open { duplicate: Arc::clone(file), name, place, unnamed });
        }
        let may_go = |path: &PathBuf| private.iter().any(|folder| path.starts_with(folder.path()));
        let gone = if used.mapped_paths.iter().any(may_go) { Some(gone(process)?) } else { None };
        let working_directory = if private.is_empty() { None } else { Some(working_directory(process)?) };
        Ok(Self { open, working_directory, gone })
    }

    /// Whether a hole of a file without a name may have been filled: see [`super::holes`].
    pub(super) fn has_filled_holes(&self) -> Step<bool> {
        for unnamed in self.open.iter().filter_map(|open| open.unnamed.as_ref()) {
            if unnamed.kept.has_filled_holes().or_trouble(Reason::Files, LOOKING)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Puts the contents of files without a name back, and refuses others of which not the same name leads to them; says
    /// how many files had changed.
    pub(crate) fn revert(&self, process: &Process) -> Step<u64> {
        let refuse = |what: String| Err(Trouble::Refused(Reason::Files, what));
        if let Some(what) = self.moved(process)? {
            return refuse(what);
        }
        let mut reverted = 0;
        for Open { duplicate, name, place, unnamed } in &self.open {
            if let Some(place) = place {
                fcntl::list_anew(&**duplicate, *place).or_trouble(Reason::Files, "listing a folder anew")?;
            }
            if let Some(unnamed) = unnamed {
                let changed =
                    unnamed.kept.revert().or_trouble(Reason::Files, "rewriting a file without a name")?;
                reverted += u64::from(changed);
                if unnamed.has_other_attributes(duplicate).or_trouble(Reason::Files, LOOKING)? {
                    return refuse(format!("{} could not be put back", name.display()));
                }
            }
        }
        Ok(reverted)
    }

    /// What is not as it was.
    pub(crate) fn difference(&self, process: &Process) -> Step<Option<String>> {
        for Open { duplicate, name, unnamed, .. } in &self.open {
            let Some(unnamed) = unnamed else { continue };
            if unnamed.kept.differs().or_trouble(Reason::Inspection, LOOKING)?
                || unnamed.has_other_attributes(duplicate).or_trouble(Reason::Inspection, LOOKING)?
            {
                return Ok(Some(format!("{} is not as at the snapshot", name.display())));
            }
        }
        self.moved(process)
    }

    /// What the process has open, mapped, or is in, and does not find under its name any more.
    fn moved(&self, process: &Process) -> Step<Option<String>> {
        let told = |name: &Path, what: &str| Ok(Some(format!("{} {what}", name.display())));
        for Open { duplicate, name, .. } in &self.open {
            let now =
                file_contents::name(duplicate).or_trouble(Reason::Inspection, "reading its descriptors")?;
            if now != *name {
                return told(name, "was removed, replaced or renamed while the process has it open");
            }
        }
        if let Some(before) = &self.working_directory
            && working_directory(process)? != *before
        {
            return told(before, "was removed, replaced or renamed while the process is in it");
        }
        if let Some(before) = &self.gone
            && let Some(name) = gone(process)?.difference(before).next()
        {
            let name = Path::new(OsStr::from_bytes(name));
            return told(name, "was removed or replaced while the process has it mapped");
        }
        Ok(None)
    }
}

/// Files that the process has open or mapped at the snapshot.
#[derive(Debug, Default)]
pub(crate) struct InUse {
    /// Files and folders that are its alone: number, duplicate, offset.
    pub(crate) open: Vec<(i32, Arc<Duplicate>, Option<u64>)>,
    /// Those of them that it can write to, by number.
    pub(crate) writable: BTreeSet<i32>,
    /// Inodes of mapped files.
    pub(crate) mapped: BTreeSet<u64>,
    /// Their paths.
    pub(crate) mapped_paths: Vec<PathBuf>,
    /// Those of files that are written to by writing to memory.
    pub(crate) written_in_memory: Vec<PathBuf>,
    /// Whether it has open what goes with files to other names: watches, rules.
    pub(crate) is_following: bool,
}

impl InUse {
    /// The size of the file behind a mapping, if that is open for writing, so that its contents are kept.
    pub(crate) fn kept_size(&self, mapping: &Mapping) -> Option<u64> {
        let Name::Path { path, .. } = &mapping.name else { return None };
        let mut writable = self.open.iter().filter(|(number, ..)| self.writable.contains(number));
        writable.find_map(|(_, file, _)| {
            let stat = file_contents::stat(&**file).ok().filter(|stat| stat.inode == mapping.inode)?;
            file_contents::name(file).is_ok_and(|name| is_name_of(&name, path)).then_some(stat.size)
        })
    }
}

/// Whether what `/proc` calls an open file is what it calls a mapping of it, less what says that the file has gone.
fn is_name_of(name: &Path, mapped: &[u8]) -> bool {
    let name = name.as_os_str().as_bytes();
    name.strip_suffix(DELETED).unwrap_or(name) == mapped
}

fn working_directory(process: &Process) -> Step<PathBuf> {
    std::fs::read_link(format!("/proc/{}/cwd", process.pid))
        .or_trouble(Reason::Inspection, "following its links")
}

/// The ends of those lines of the list of mappings that tell of files which have gone.
fn gone(process: &Process) -> Step<BTreeSet<Vec<u8>>> {
    let maps =
        inspect::mappings(process.pid, "maps").or_trouble(Reason::Inspection, "reading its mappings")?;
    let lines = maps.split(|byte| *byte == b'\n').filter(|line| line.ends_with(DELETED));
    let names =
        lines.filter_map(|line| line.iter().position(|byte| *byte == b'/').map(|at| line[at..].to_vec()));
    Ok(names.collect())
}
