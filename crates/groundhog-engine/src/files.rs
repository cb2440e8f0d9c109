//! Private files: what a request wrote, removed or renamed in its folders is put back.
//!
//! Nothing is looked at unless a call was seen that may have changed files. Then all that was written since the process
//! was started, which is little, is compared with what was there at the snapshot, or with what shows through from below.

mod component;
mod holes;
pub(crate) mod jail;
mod kept_file;
pub(crate) mod page_sharing;
pub(crate) mod pinned_files;
pub(crate) mod writable;

pub(crate) use component::PrivateFiles;

use crate::error::{Reason, Step, Trouble};
use groundhog_sys::folder::{EntryKind, Folder, Stat};
use groundhog_sys::jail::Sides;
use groundhog_sys::{Errno, PAGE_SIZE, Result};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// More than this in all files is not kept: requests that write files then cost the process.
const MAX_BYTES: u64 = 64 << 20;
const MAX_NAMES: usize = 20_000;
const MAX_DEPTH: usize = 64;
/// What the owner of a folder needs to see what is in it.
const READ_AND_ENTER: u32 = 0o500;
/// What the kernel appends to a name that is gone.
const DELETED: &[u8] = b" (deleted)";

type Attributes = Vec<(Vec<u8>, Vec<u8>)>;

/// A folder in which the process may write.
#[derive(Debug)]
pub(crate) struct Private {
    path: PathBuf,
    /// As the process sees it.
    merged: Folder,
    /// Only what was written; the same folder where nothing shows through.
    written: Folder,
    /// What shows through.
    below: Option<Folder>,
    /// Reading a file leaves no trace in it: it lies on mounts of the process's own.
    reads_unseen: bool,
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
    fn room(&self) -> Step<Option<(u64, u64)>> {
        if !self.reads_unseen {
            return Ok(None);
        }
        self.at(Path::new(""), self.written.room()).map(Some)
    }

    /// Whether a request may write in place to a file that was opened by that name, or has.
    fn is_written_to(&self, path: &Path, inode: u64) -> bool {
        let Ok(within) = path.strip_prefix(&self.path) else { return false };
        // What shows through from below is copied before it is written.
        let shows_through = self.below.is_some() && matches!(self.written.stat(within), Ok(None));
        !(shows_through && matches!(self.merged.stat(within), Ok(Some(stat)) if stat.inode == inode))
    }

    /// Where the process sees it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// All names in what was written, the folder itself as an empty one, each before what lies in it.
    fn walk(&self, lock_out: LockOut) -> Step<BTreeMap<PathBuf, Stat>> {
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

    fn trouble(&self, what: &str) -> Trouble {
        Trouble::Refused(Reason::Files, format!("its private folder {} {what}", self.path.display()))
    }

    fn refuse<T>(&self, path: &Path, what: &str) -> Step<T> {
        Err(Trouble::Refused(Reason::Files, format!("{} {what}", self.path.join(path).display())))
    }

    fn at<T>(&self, path: &Path, result: Result<T>) -> Step<T> {
        result.map_err(|errno| {
            let place = self.path.join(path);
            Trouble::Refused(Reason::Files, format!("{} cannot be put back: {errno}", place.display()))
        })
    }
}

/// What is done about folders that their owner may not enter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LockOut {
    Refuse,
    Open,
}

/// What a name stood for at the snapshot.
#[derive(Clone, Debug)]
struct Entry {
    stat: Stat,
    attributes: Attributes,
    opaque: bool,
    /// Of a file; where a link leads.
    contents: Vec<u8>,
    /// Where a file has data, and no holes.
    data: Vec<(u64, u64)>,
    /// The process has it open, mapped, or watched: another one in its place would not do.
    held: bool,
}

impl Entry {
    /// `seen`: where the process sees it, which is where its attributes are those that it has set.
    fn of(folder: &Folder, seen: &Folder, path: &Path, stat: Stat, most: u64) -> Result<Self> {
        let contents = match stat.kind {
            EntryKind::File => folder.read(path, most)?,
            EntryKind::Link => folder.target(path)?,
            _ => Vec::new(),
        };
        let attributes =
            if stat.kind == EntryKind::Whiteout { Attributes::new() } else { seen.attributes(path)? };
        let opaque = stat.kind == EntryKind::Folder && folder.is_opaque(path)?;
        let data = if stat.kind == EntryKind::File { folder.data(path)? } else { Vec::new() };
        Ok(Self { stat, attributes, opaque, contents, data, held: false })
    }

    /// As it is once it was copied up to be written: one name, and no holes in it.
    fn copied_up(mut self) -> Self {
        const PER_PAGE: u64 = PAGE_SIZE / 512;
        self.stat.links = self.stat.links.min(1);
        if self.stat.kind == EntryKind::File {
            let size = self.stat.size;
            self.stat.blocks = size.div_ceil(PAGE_SIZE) * PER_PAGE;
            self.data = if size > 0 { vec![(0, size)] } else { Vec::new() };
        }
        self
    }
}

/// One thing to be done about a name.
#[derive(Debug, PartialEq, Eq)]
enum Repair {
    /// Remove it; whether it is a folder.
    Remove(bool),
    /// Make it: it is gone.
    Make,
    /// Give it back its contents.
    Rewrite,
    /// Give it back its permissions and times.
    Attributes,
}

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
                let path = folder.path.display();
                return Ok(Some(format!("its private folder {path} held more than is kept to be compared")));
            };
            let comparison = Comparison { folder, image };
            let walked = folder.walk(LockOut::Refuse)?;
            if let Some((path, repair)) = comparison.differences(&walked)?.into_iter().next() {
                let name = folder.path.join(path);
                return Ok(Some(format!("{} is not as at the snapshot ({repair:?})", name.display())));
            }
            if let Some((path, what)) = comparison.lasting(&walked) {
                return Ok(Some(format!("{} {what}", folder.path.join(path).display())));
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
        image.insert(path, Entry { held, ..entry });
    }
    Some(image)
}

struct Comparison<'a> {
    folder: &'a Private,
    image: &'a BTreeMap<PathBuf, Entry>,
}

impl Comparison<'_> {
    fn revert(&self) -> Step<u64> {
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
                    self.folder.at(path, self.folder.merged.rewrite(path, &wanted.contents, &wanted.data))?;
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
    fn lasting<'a>(&self, now: &'a BTreeMap<PathBuf, Stat>) -> Option<(&'a Path, &'static str)> {
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
    fn differences(&self, now: &BTreeMap<PathBuf, Stat>) -> Step<Vec<(PathBuf, Repair)>> {
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
                .and_then(|()| merged.rewrite(path, &wanted.contents, &wanted.data)),
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
