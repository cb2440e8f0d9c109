//! The one inode behind all that is open without a file: eventfds, timers, epoll sets, watches of folders.
//!
//! Before Linux 6.16 its owner sets permissions and times of it by any of them. That is root, also without any privileges, in every
//! jail of the same user namespace. It is the machine's: whoever has anything of the kind is told, and nothing forgets it.

use crate::error::{OrTrouble, Reason, Step, Trouble};
use groundhog_sys::fcntl;
use groundhog_sys::file_contents::{self, Attributes};
use groundhog_sys::forking::Found;

/// What it told, if it can be changed at all.
fn noted() -> Option<&'static Attributes> {
    static NOTED: Found<Option<Attributes>> = Found::new();
    let attributes = NOTED.or(|| {
        let any = fcntl::eventfd().ok()?;
        let noted = file_contents::inode_attributes(&any).ok()?;
        file_contents::set_mode(&any, noted.mode).ok()?;
        Some(noted)
    });
    attributes.as_ref()
}

/// Notes what it is like, before a process of ours can have changed it.
pub(crate) fn note() {
    noted();
}

/// Puts it back: after each request, and at the end of a process, since it stays.
pub(crate) fn put_back() -> Step<()> {
    let Some(noted) = noted() else { return Ok(()) };
    let any = fcntl::eventfd().or_trouble(Reason::Inspection, "making an eventfd")?;
    let now = || {
        file_contents::inode_attributes(&any).or_trouble(Reason::Inspection, "looking at what eventfds share")
    };
    let changed = now()?;
    if changed == *noted {
        return Ok(());
    }
    if changed.owner != noted.owner {
        let _shows = file_contents::set_owner(&any, noted.owner);
    }
    if changed.mode != noted.mode {
        let _shows = file_contents::set_mode(&any, noted.mode);
    }
    if (changed.accessed, changed.modified) != (noted.accessed, noted.modified) {
        let _shows = file_contents::set_times(&any, noted.accessed, noted.modified);
    }
    if now()? == *noted {
        return Ok(());
    }
    let message = "what all eventfds share has another owner, mode or times, and cannot be put back";
    Err(Trouble::Refused(Reason::DescriptorChanged, message.into()))
}
