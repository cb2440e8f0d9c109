//! What is in a folder beside what was in it: the differences, and how each is put back.

use super::MAX_BYTES;
use super::entry::Entry;
use super::private::{LockOut, Private};
use crate::error::Step;
use groundhog_sys::Errno;
use groundhog_sys::folder::{EntryKind, Stat};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One thing to be done about a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Repair {
    /// Remove it; whether it is a folder.
    Remove(bool),
    /// Make it: it is gone.
    Make,
    /// Give it back its contents.
    Rewrite,
    /// Give it back its permissions and times.
    Attributes,
}

/// A folder and what was in it.
pub(super) struct Comparison<'a> {
    pub(super) folder: &'a Private,
    pub(super) image: &'a BTreeMap<PathBuf, Entry>,
}

impl Comparison<'_> {
    pub(super) fn revert(&self) -> Step<u64> {
        let walked = self.folder.walk(LockOut::Open)?;
        let changes = self.differences(&walked)?;
        if changes.is_empty() {
            return self.check_lasting(&walked).map(|()| 0);
        }
        for (path, repair) in changes.iter().rev() {
            if let Repair::Remove(is_folder) = repair {
                self.make_way(path)?;
                self.folder.at(path, self.folder.merged.remove(path, *is_folder))?;
            }
        }
        for (path, repair) in &changes {
            match repair {
                Repair::Make => self.make(path)?,
                Repair::Rewrite => {
                    let wanted = self.wanted(path)?;
                    let Entry { contents, data, behind, .. } = &*wanted;
                    self.folder.at(path, self.folder.merged.rewrite(path, contents, data, behind))?;
                }
                Repair::Remove(_) | Repair::Attributes => {}
            }
        }
        // Last, and inner ones first: all of the above changes the times of folders.
        for (path, repair) in self.differences(&self.folder.walk(LockOut::Open)?)?.into_iter().rev() {
            if repair != Repair::Attributes {
                return self.folder.refuse(&path, "could not be put back");
            }
            let stat = self.wanted(&path)?.stat.clone();
            if stat.kind != EntryKind::Link {
                self.folder.at(&path, self.folder.merged.set_mode(&path, stat.mode))?;
            }
            self.folder.at(&path, self.folder.merged.set_times(&path, stat.accessed, stat.modified))?;
        }
        let walked = self.folder.walk(LockOut::Open)?;
        match self.differences(&walked)?.into_iter().next() {
            None => self.check_lasting(&walked).map(|()| changes.len() as u64),
            Some((path, _)) => self.folder.refuse(&path, "could not be put back"),
        }
    }

    /// Refuses what no repair takes back.
    fn check_lasting(&self, now: &BTreeMap<PathBuf, Stat>) -> Step<()> {
        match self.lasting(now) {
            None => Ok(()),
            Some((path, what)) => self.folder.refuse(path, what),
        }
    }

    /// Names that were one file and are two now, or the other way round; folders that have become larger.
    pub(super) fn lasting<'a>(&self, now: &'a BTreeMap<PathBuf, Stat>) -> Option<(&'a Path, &'static str)> {
        let links = |entry: Option<&Entry>| entry.map_or(1, |entry| entry.stat.links);
        let mut same_files = BTreeMap::new();
        now.iter().find_map(|(path, stat)| {
            let before = self.image.get(path);
            // As many names are not the same names: those of one file now have to be those of one file before.
            let mut is_regrouped = || {
                let before = before.map(|before| before.stat.inode);
                stat.links > 1 && *same_files.entry(stat.inode).or_insert(before) != before
            };
            let may_have_more = matches!(stat.kind, EntryKind::File | EntryKind::Link);
            if may_have_more && (stat.links != links(before) || is_regrouped()) {
                return Some((&**path, "has other names than at the snapshot"));
            }
            // What an overlay shows of a folder that was copied up is the copy.
            let is_larger = before.is_some_and(|before| before.stat.folder_size != stat.folder_size);
            (self.folder.below.is_none() && is_larger).then_some((
                path,
                "takes up other room than at the snapshot: a request had many files in it, which its file system does \
                 not forget",
            ))
        })
    }

    /// What is to be done, outer names first.
    pub(super) fn differences(&self, now: &BTreeMap<PathBuf, Stat>) -> Step<Vec<(PathBuf, Repair)>> {
        let mut repairs = Vec::new();
        let names: BTreeSet<&PathBuf> = now.keys().chain(self.image.keys()).collect();
        for path in names {
            let repair = match (now.get(path), self.image.get(path)) {
                (Some(stat), Some(entry)) => self.compare(path, stat, entry)?,
                (Some(stat), None) => self.compare_with_below(path, stat)?,
                (None, Some(entry)) if entry.stat.kind == EntryKind::Other || entry.held => {
                    return self.folder.refuse(path, "is gone, and cannot be made again");
                }
                // It shows through again.
                (None, Some(entry)) if entry.stat.kind == EntryKind::Whiteout => Some(Repair::Remove(false)),
                (None, Some(_)) => Some(Repair::Make),
                (None, None) => None,
            };
            repairs.extend(repair.map(|repair| (path.clone(), repair)));
        }
        Ok(repairs)
    }

    fn compare_with_below(&self, path: &Path, stat: &Stat) -> Step<Option<Repair>> {
        let folder = self.folder;
        let below = match &folder.below {
            Some(below) => folder.at(path, below.stat(path))?.map(|stat| (below, stat)),
            None => None,
        };
        match below {
            None => Ok(Some(Repair::Remove(stat.kind == EntryKind::Folder))),
            Some((_, below))
                if stat.kind == EntryKind::Whiteout
                    && matches!(below.kind, EntryKind::File | EntryKind::Link) =>
            {
                Ok(Some(Repair::Make))
            }
            Some((below, wanted)) => {
                let entry = folder.at(path, Entry::of(below, below, path, wanted, MAX_BYTES))?;
                self.compare(path, stat, &entry.copied_up())
            }
        }
    }

    fn compare(&self, path: &Path, stat: &Stat, wanted: &Entry) -> Step<Option<Repair>> {
        let Private { written, merged, .. } = self.folder;
        let changed = |what: &str| self.folder.refuse(path, what);
        if stat.kind != wanted.stat.kind {
            return changed("is something else than at the snapshot");
        }
        if wanted.held && stat.inode != wanted.stat.inode {
            return changed("was replaced while the process has it open, mapped, or watched");
        }
        if stat.owner != wanted.stat.owner && stat.kind != EntryKind::Whiteout {
            return changed("has another owner than at the snapshot");
        }
        match stat.kind {
            EntryKind::Whiteout => return Ok(None),
            EntryKind::Other if stat.inode != wanted.stat.inode => return changed("was replaced"),
            EntryKind::Link => {
                if self.folder.at(path, written.target(path))? != wanted.contents {
                    return changed("leads elsewhere than at the snapshot");
                }
            }
            EntryKind::Folder => {
                if self.folder.at(path, written.is_opaque(path))? != wanted.opaque {
                    return changed("was made anew, and hides what was in it");
                }
                // Rules of Landlock that the process has set for itself go with it, and nobody tells of them.
                let is_it = |entry: &Entry| entry.stat.kind == stat.kind && entry.stat.inode == stat.inode;
                if stat.inode != wanted.stat.inode && self.image.values().any(is_it) {
                    return changed("is another folder of the snapshot");
                }
            }
            EntryKind::File => {
                let same = match written.read(path, MAX_BYTES) {
                    Ok(contents) => contents == wanted.contents,
                    Err(Errno(13 | 27)) => false, // EACCES: locked out; EFBIG
                    Err(errno) => return self.folder.at(path, Err(errno)),
                };
                // Zeros that are stored are not the same as a hole.
                if !same
                    || stat.blocks != wanted.stat.blocks
                    || self.folder.at(path, written.data(path))? != wanted.data
                    || self.folder.at(path, written.behind_end(path, stat.size))? != wanted.behind
                {
                    return Ok(Some(Repair::Rewrite));
                }
            }
            EntryKind::Other => {}
        }
        if self.folder.at(path, merged.attributes(path))? != wanted.attributes {
            return changed("has other attributes than at the snapshot");
        }
        let same = stat.modified == wanted.stat.modified
            && (stat.accessed == wanted.stat.accessed || !self.folder.reads_unseen)
            && (stat.mode == wanted.stat.mode || stat.kind == EntryKind::Link);
        Ok((!same).then_some(Repair::Attributes))
    }

    /// What a name is to stand for.
    fn wanted(&self, path: &Path) -> Step<Cow<'_, Entry>> {
        if let Some(entry) = self.image.get(path) {
            return Ok(Cow::Borrowed(entry));
        }
        let below = match &self.folder.below {
            Some(below) => self.folder.at(path, below.stat(path))?.map(|stat| (below, stat)),
            None => None,
        };
        match below {
            Some((below, stat)) => self
                .folder
                .at(path, Entry::of(below, below, path, stat, MAX_BYTES))
                .map(|entry| Cow::Owned(entry.copied_up())),
            None => self.folder.refuse(path, "is not known of"),
        }
    }

    fn make(&self, path: &Path) -> Step<()> {
        let merged = &self.folder.merged;
        let wanted = self.wanted(path)?;
        self.make_way(path)?;
        let made = match wanted.stat.kind {
            EntryKind::Folder => merged.make(path),
            EntryKind::File => merged
                .create(path, &wanted.contents)
                .and_then(|()| merged.rewrite(path, &wanted.contents, &wanted.data, &wanted.behind)),
            EntryKind::Link => merged.link(path, &wanted.contents),
            EntryKind::Whiteout | EntryKind::Other => {
                return self.folder.refuse(path, "cannot be made again");
            }
        };
        self.folder.at(path, made)
    }

    /// Lets the folder that a name is in be written.
    fn make_way(&self, path: &Path) -> Step<()> {
        let parent = path.parent().unwrap_or(Path::new(""));
        self.folder.at(path, self.folder.merged.open_up(parent))
    }
}
