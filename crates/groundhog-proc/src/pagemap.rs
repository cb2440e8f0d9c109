//! `/proc/PID/pagemap`: one 64-bit word a page.
//!
//! # References
//! - [Linux: Examining Process Page Tables](https://docs.kernel.org/admin-guide/mm/pagemap.html)

/// Bytes of one entry.
pub const ENTRY_BYTES: usize = 8;

const SOFT_DIRTY: u64 = 1 << 55;
const EXCLUSIVE: u64 = 1 << 56;
const UFFD_WP: u64 = 1 << 57;
const GUARD: u64 = 1 << 58;
const FILE: u64 = 1 << 61;
const SWAPPED: u64 = 1 << 62;
const PRESENT: u64 = 1 << 63;

/// The word of one page, as the kernel gave it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Entry(pub u64);

impl Entry {
    /// The page is in memory.
    #[must_use]
    pub fn present(self) -> bool {
        self.0 & PRESENT != 0
    }

    /// The page is in swap.
    #[must_use]
    pub fn swapped(self) -> bool {
        self.0 & SWAPPED != 0
    }

    /// The page belongs to a file or to shared anonymous memory; clear for a private copy.
    #[must_use]
    pub fn file(self) -> bool {
        self.0 & FILE != 0
    }

    /// Written since `clear_refs`. Means nothing without `CONFIG_MEM_SOFT_DIRTY`.
    #[must_use]
    pub fn soft_dirty(self) -> bool {
        self.0 & SOFT_DIRTY != 0
    }

    /// Write-protected through userfaultfd.
    #[must_use]
    pub fn uffd_wp(self) -> bool {
        self.0 & UFFD_WP != 0
    }

    /// Mapped by this process alone.
    #[must_use]
    pub fn exclusive(self) -> bool {
        self.0 & EXCLUSIVE != 0
    }

    /// A guard page of `MADV_GUARD_INSTALL` (Linux 6.14).
    #[must_use]
    pub fn guard(self) -> bool {
        self.0 & GUARD != 0
    }
}

/// Why bytes are not entries of a pagemap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PagemapError {
    /// Not a whole number of entries.
    #[error("pagemap: {length} bytes are not a whole number of 8-byte entries")]
    Ragged {
        /// Length in bytes.
        length: usize,
    },
}

/// Decodes bytes read from the file (the kernel writes them in native order).
///
/// # Errors
/// [`PagemapError::Ragged`] if the length is not a multiple of [`ENTRY_BYTES`].
pub fn parse(bytes: &[u8]) -> Result<impl Iterator<Item = Entry> + '_, PagemapError> {
    let (words, rest) = bytes.as_chunks::<ENTRY_BYTES>();
    if rest.is_empty() {
        Ok(words.iter().map(|word| Entry(u64::from_ne_bytes(*word))))
    } else {
        Err(PagemapError::Ragged { length: bytes.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bit_is_read_alone() {
        type Reader = fn(Entry) -> bool;
        let readers: [(u32, Reader); 7] = [
            (55, Entry::soft_dirty),
            (56, Entry::exclusive),
            (57, Entry::uffd_wp),
            (58, Entry::guard),
            (61, Entry::file),
            (62, Entry::swapped),
            (63, Entry::present),
        ];
        for (bit, read) in readers {
            assert!(read(Entry(1 << bit)));
            assert!(!read(Entry(!(1 << bit))));
        }
    }

    #[test]
    fn ragged_bytes_are_refused() {
        let error = parse(&[0; 9]).err().expect("nine bytes are not entries");
        assert_eq!(error.to_string(), "pagemap: 9 bytes are not a whole number of 8-byte entries");
        assert_eq!(parse(&[0xff; 16]).expect("two entries").count(), 2);
    }
}
