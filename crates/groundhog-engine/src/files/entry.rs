//! What a name stood for at the snapshot.

use groundhog_sys::folder::{EntryKind, Folder, Stat};
use groundhog_sys::{PAGE_SIZE, Result};
use std::path::Path;

type Attributes = Vec<(Vec<u8>, Vec<u8>)>;

/// What a name stood for at the snapshot.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) stat: Stat,
    pub(super) attributes: Attributes,
    pub(super) opaque: bool,
    /// Of a file; where a link leads.
    pub(super) contents: Vec<u8>,
    /// Where a file has data, and no holes.
    pub(super) data: Vec<(u64, u64)>,
    /// What lies behind the end of a file in its last page.
    pub(super) behind: Vec<u8>,
    /// The process has it open, mapped, or watched: another one in its place would not do.
    pub(super) held: bool,
}

impl Entry {
    /// `seen`: where the process sees it, which is where its attributes are those that it has set.
    pub(super) fn of(folder: &Folder, seen: &Folder, path: &Path, stat: Stat, most: u64) -> Result<Self> {
        let contents = match stat.kind {
            EntryKind::File => folder.read(path, most)?,
            EntryKind::Link => folder.target(path)?,
            _ => Vec::new(),
        };
        let attributes =
            if stat.kind == EntryKind::Whiteout { Attributes::new() } else { seen.attributes(path)? };
        let opaque = stat.kind == EntryKind::Folder && folder.is_opaque(path)?;
        let data = if stat.kind == EntryKind::File { folder.data(path)? } else { Vec::new() };
        Ok(Self { stat, attributes, opaque, contents, data, behind: Vec::new(), held: false })
    }

    /// As it is once it was copied up to be written: one name, and no holes in it.
    pub(super) fn copied_up(mut self) -> Self {
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
