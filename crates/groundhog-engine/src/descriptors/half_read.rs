//! Texts that the kernel makes, as of `/proc/self/status`, of which a part was read: it keeps the rest with the open file.
//!
//! They tell of the whole process, so they are made anew when all else is put back.

use super::survey::Survey;
use crate::component::{Component, Restore, Stopped};
use crate::duplicate::Duplicate;
use crate::error::{OrTrouble, Reason, Step};
use groundhog_sys::fcntl;
use std::sync::Arc;

/// All that are open, each with how much of it was read.
#[derive(Debug)]
pub(crate) struct HalfRead(Vec<(Arc<Duplicate>, u64)>);

impl HalfRead {
    /// Remembers them, and has them made anew: so the first request reads what later ones do.
    pub(crate) fn save(survey: &Survey) -> Step<Self> {
        let begun = survey.files.iter().filter(|file| !file.is_ours && fcntl::is_setting(&file.duplicate));
        let texts = begun.filter_map(|file| {
            file.offset.filter(|offset| *offset > 0).map(|offset| (Arc::clone(&file.duplicate), offset))
        });
        let half_read = Self(texts.collect());
        half_read.make_anew()?;
        Ok(half_read)
    }

    fn make_anew(&self) -> Step<()> {
        for (duplicate, read) in &self.0 {
            for offset in [0, *read] {
                fcntl::set_offset(duplicate, offset)
                    .or_trouble(Reason::DescriptorChanged, "having a text made anew")?;
            }
        }
        Ok(())
    }
}

impl Component for HalfRead {
    fn revert(&mut self, _: &mut Restore<'_>) -> Step<()> {
        self.make_anew()
    }

    /// Who reads them moves their offsets, which the table of descriptors compares.
    fn difference(&mut self, _: &mut Stopped<'_>) -> Step<Option<String>> {
        Ok(None)
    }
}
