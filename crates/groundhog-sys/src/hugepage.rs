//! `madvise(2)` on memory of our own.

use crate::kernel_types::PAGE_SIZE;

/// Asks for huge pages behind a large buffer that is about to be filled; a hint, so failure is no error.
pub fn advise(buffer: &mut [u8]) {
    let page = PAGE_SIZE as usize;
    let skip = buffer.as_ptr().align_offset(page);
    let len = buffer.len().saturating_sub(skip) / page * page;
    if len == 0 {
        return;
    }
    let start = buffer[skip..].as_mut_ptr();
    // SAFETY: the range is page-aligned and inside a buffer that is exclusively ours; MADV_HUGEPAGE changes no
    // contents. madvise(2).
    let _ignored = unsafe { libc::madvise(start.cast(), len, libc::MADV_HUGEPAGE) };
}
