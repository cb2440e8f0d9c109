//! The private folders as a component, with the files in them that the process holds, and the room that is left.

use super::holes::Holes;
use super::pinned_files::{InUse, PinnedFiles};
use super::{Files, Held, Private};
use crate::component::{Component, Restore, Stopped, comes_true};
use crate::error::{Reason, Step, Trouble};
use crate::trace::process::Process;
use groundhog_sys::jail::ActingAs;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

/// All of it, as it was.
#[derive(Debug)]
pub(crate) struct PrivateFiles {
    private: Rc<Vec<Private>>,
    /// The user that the process was made to be.
    ids: Option<(u32, u32)>,
    files: Files,
    pinned: PinnedFiles,
    room: Vec<Option<(u64, u64)>>,
    holes: Holes,
    /// Some in its folders is mapped so that it is written to with no call that says so.
    is_written_in_memory: bool,
}

impl PrivateFiles {
    /// Remembers it. `open`: inodes of files that are open.
    pub(crate) fn save(
        process: &Process,
        private: Rc<Vec<Private>>,
        ids: Option<(u32, u32)>,
        used: &InUse,
        open: &BTreeSet<u64>,
    ) -> Step<Self> {
        let held = if used.is_following {
            Held::All
        } else {
            Held::Files(used.mapped.union(open).copied().collect())
        };
        let files = Files::save(&private, &held);
        let _user = ids.map(ActingAs::new);
        let pinned = PinnedFiles::save(process, &private, used)?;
        let room = private.iter().map(Private::room).collect::<Step<_>>()?;
        let holes = Holes::save(&private);
        let in_folders = |path: &PathBuf| private.iter().any(|folder| path.starts_with(folder.path()));
        let is_written_in_memory = used.written_in_memory.iter().any(in_folders);
        Ok(Self { private, ids, files, pinned, room, holes, is_written_in_memory })
    }

    /// Refuses folders in which less room is left: what was opened for writing was copied, and the copies stay.
    ///
    /// What a child had mapped goes with the last who looks at its memory, such as a monitor that reads its `smaps` as it ends.
    fn check_room(&self) -> Step<()> {
        const FREED_WITHIN: Duration = Duration::from_millis(100);
        for (folder, before) in self.private.iter().zip(&self.room) {
            if !comes_true(FREED_WITHIN, || Ok(folder.room()? == *before))? {
                let message = format!(
                    "its private folders have other room than at the snapshot: a request wrote to files that it found \
                     there ({}), or removed them; a warm-up that does the same lets them be put back",
                    folder.path().display()
                );
                return Err(Trouble::Refused(Reason::Files, message));
            }
        }
        Ok(())
    }
}

impl Component for PrivateFiles {
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        if self.private.is_empty() && self.pinned.is_empty() {
            return Ok(());
        }
        let may_differ = !restore.sees_calls || restore.observed.files || self.is_written_in_memory;
        if !may_differ && !self.holes.may_be_filled(&self.private, &self.pinned)? {
            return Ok(());
        }
        let _user = self.ids.map(ActingAs::new);
        restore.report.files_reverted += self.files.revert(&self.private)?;
        restore.report.files_reverted += self.pinned.revert(restore.stopped.process)?;
        self.check_room()?;
        restore.lap("files");
        Ok(())
    }

    fn difference(&mut self, stopped: &mut Stopped<'_>) -> Step<Option<String>> {
        let _user = self.ids.map(ActingAs::new);
        if let Some(what) = self.files.difference(&self.private)? {
            return Ok(Some(what));
        }
        if let Some(what) = self.pinned.difference(stopped.process)? {
            return Ok(Some(what));
        }
        match self.check_room() {
            Err(Trouble::Refused(_, message)) => Ok(Some(message)),
            Err(gone) => Err(gone),
            Ok(()) => Ok(None),
        }
    }
}
