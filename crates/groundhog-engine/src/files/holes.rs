//! Holes that reading fills: where files are in memory, whoever maps one and reads where it has a hole stores zeros there,
//! see tmpfs(5). No call says so, and a mapping of the snapshot needs none. What was reserved and not written counts as a hole.

use super::pinned_files::PinnedFiles;
use super::private::{LockOut, Private};
use crate::error::Step;
use groundhog_sys::folder::{EntryKind, Stat};
use std::path::PathBuf;

/// Where there may be holes that reading fills.
#[derive(Debug)]
pub(super) struct Holes {
    /// By folder. None: there is more in it than can be known.
    folders: Vec<Option<Vec<FileWithHoles>>>,
}

#[derive(Debug)]
struct FileWithHoles {
    path: PathBuf,
    blocks: u64,
    data: Vec<(u64, u64)>,
}

impl Holes {
    /// Remembers them.
    pub(super) fn save(private: &[Private]) -> Self {
        Self { folders: private.iter().map(files_with_holes).collect() }
    }

    /// Whether a request may have filled one.
    pub(super) fn may_be_filled(&self, private: &[Private], pinned: &PinnedFiles) -> Step<bool> {
        for (folder, files) in private.iter().zip(&self.folders) {
            let Some(files) = files else { return Ok(true) };
            for file in files {
                let Some(now) = folder.at(&file.path, folder.written.stat(&file.path))? else {
                    return Ok(true);
                };
                if now.blocks != file.blocks
                    || folder.at(&file.path, folder.written.data(&file.path))? != file.data
                {
                    return Ok(true);
                }
            }
        }
        pinned.has_filled_holes()
    }
}

fn files_with_holes(folder: &Private) -> Option<Vec<FileWithHoles>> {
    if folder.written.may_be_in_memory() == Ok(false) {
        return Some(Vec::new());
    }
    let found = folder.walk(LockOut::Refuse).ok()?;
    let files = found.into_iter().filter(|(_, stat)| stat.kind == EntryKind::File);
    let with_data = files.map(|(path, stat)| {
        let data = folder.written.data(&path)?;
        Ok((has_holes(&stat, &data), FileWithHoles { path, blocks: stat.blocks, data }))
    });
    let known: Result<Vec<_>, groundhog_sys::Errno> = with_data.collect();
    Some(known.ok()?.into_iter().filter_map(|(has_holes, file)| has_holes.then_some(file)).collect())
}

/// Whether a file has more than the data that is stored for it.
pub(super) fn has_holes(stat: &Stat, data: &[(u64, u64)]) -> bool {
    stat.size > 0 && data != [(0, stat.size)]
}
