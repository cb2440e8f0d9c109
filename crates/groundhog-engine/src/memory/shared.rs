//! Memory that is shared: compared with the snapshot as a whole, since writes to it cannot be followed.
//!
//! A mapping may be larger than its file. What lies behind the end cannot be read or written, and is no memory.

use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::memory::backings::Backings;
use crate::memory::pages::differing_pages;
use crate::memory::vma::{Area, AreaKind};
use crate::trace::process::Process;
use groundhog_proc::maps::Mapping;
use groundhog_sys::forking::Found;
use groundhog_sys::pagemap_scan::{self, Categories, Query};
use groundhog_sys::process_vm::{self, Batch};
use groundhog_sys::ptrace::RseqArea;
use groundhog_sys::{Errno, PAGE_SIZE, RemoteAddr};

const EIO: Errno = Errno(5);
const EFAULT: Errno = Errno(14);
const EINVAL: Errno = Errno(22);
const ENOTTY: Errno = Errno(25);

/// How many bytes of shared memory a process may have: each is compared at every restore.
const LIMIT: u64 = 64 << 20;

/// What kernels write in `struct rseq` (offset, length): processor numbers; node and concurrency ids, from Linux 6.3 on.
const RSEQ_KERNEL_FIELDS: [(usize, usize); 2] = [(0, 8), (20, 8)];
/// Where the last of them ends.
pub(crate) const RSEQ_KERNEL_END: usize = 28;

/// Those that this kernel writes. What others would write there is the process's own, as any of its memory.
pub(crate) fn rseq_kernel_fields() -> &'static [(usize, usize)] {
    static KNOWN: Found<usize> = Found::new();
    &RSEQ_KERNEL_FIELDS[..*KNOWN.or(|| fields_within(rseq_feature_size().unwrap_or(RSEQ_FIRST_FEATURES)))]
}

fn fields_within(size: usize) -> usize {
    RSEQ_KERNEL_FIELDS.iter().take_while(|(offset, len)| offset + len <= size).count()
}

/// What kernels know of `struct rseq` that do not say how much that is.
const RSEQ_FIRST_FEATURES: usize = 20;

/// How much of `struct rseq` the kernel knows: it tells every process by its auxiliary vector.
fn rseq_feature_size() -> Option<usize> {
    const AT_RSEQ_FEATURE_SIZE: u64 = 27;
    let bytes = std::fs::read("/proc/self/auxv").ok()?;
    let mut words = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word));
    while let (Some(kind), Some(value)) = (words.next(), words.next()) {
        if kind == AT_RSEQ_FEATURE_SIZE {
            return usize::try_from(value).ok();
        }
    }
    None
}

/// Whether the kernel itself writes the byte at `addr`, whenever it likes.
pub(crate) fn kernel_writes(rseq: &[RseqArea], addr: u64) -> bool {
    rseq.iter().any(|area| {
        let field = |(offset, len): (usize, usize)| {
            let start = area.start.0 + offset as u64;
            start..start + len as u64
        };
        rseq_kernel_fields().iter().any(|place| field(*place).contains(&addr))
    })
}

/// The contents of the shared mappings.
#[derive(Debug)]
pub(crate) struct SharedMemory {
    pieces: Vec<(RemoteAddr, Vec<u8>)>,
    backings: Backings,
}

impl SharedMemory {
    /// Saves them from a stopped process. `kept`: the size of the file behind a mapping whose contents are put back as a file.
    pub(crate) fn save(
        process: &Process,
        areas: &[Area],
        kept: impl Fn(&Mapping) -> Option<u64>,
    ) -> Step<Self> {
        let mut ranges = Vec::new();
        for Area { mapping, .. } in areas.iter().filter(|area| area.kind == AreaKind::Shared) {
            let readable = readable(process, mapping)?;
            // What follows its end in the last page belongs to no file.
            let from = kept(mapping).map_or(0, |size| size.saturating_sub(mapping.offset).min(readable));
            if from < readable {
                ranges.push((RemoteAddr(mapping.start + from), readable - from));
            }
        }
        let total: u64 = ranges.iter().map(|(_, len)| len).sum();
        if total > LIMIT {
            let message = format!("it shares {total} bytes of memory, and the limit is {LIMIT}");
            return Err(Trouble::Refused(Reason::SharedMemoryLimit, message));
        }
        let mut pieces = Vec::new();
        for (start, len) in ranges {
            let mut bytes = Vec::new();
            read_now(process, start, len as usize, &mut bytes)?;
            pieces.push((start, bytes));
        }
        // Once it is read, which fills holes.
        let unkept =
            areas.iter().filter(|area| area.kind == AreaKind::Shared && kept(&area.mapping).is_none());
        let backings = Backings::of(process, unkept.map(|area| &area.mapping));
        Ok(Self { pieces, backings })
    }

    /// Bytes kept.
    pub(crate) fn bytes(&self) -> u64 {
        self.pieces.iter().map(|(_, bytes)| bytes.len() as u64).sum()
    }

    /// Writes back the pages that differ; says how many.
    pub(crate) fn revert(&self, process: &Process) -> Step<u64> {
        let mut pages = 0;
        let mut now = Vec::new();
        for (start, bytes) in &self.pieces {
            read_now(process, *start, bytes.len(), &mut now)?;
            let mut batch = Batch::new();
            let size = PAGE_SIZE as usize;
            for (at, (expected, found)) in bytes.chunks(size).zip(now.chunks(size)).enumerate() {
                if expected != found {
                    batch.push(RemoteAddr(start.0 + at as u64 * PAGE_SIZE), expected);
                    pages += 1;
                }
            }
            batch
                .write(process.pid, &process.files.mem)
                .or_trouble(Reason::Memory, "writing its shared memory")?;
        }
        Ok(pages)
    }

    /// Puts back what is known of the files behind it. `may_differ`: some may have been opened to be written, or had attributes set.
    pub(crate) fn revert_backings(&self, may_differ: bool) -> Step<()> {
        self.backings.revert(may_differ)
    }

    /// Where each piece starts, and how many of its pages differ; all of them where they cannot be read.
    pub(crate) fn written(&self, process: &Process) -> impl Iterator<Item = (u64, u64)> {
        let mut now = Vec::new();
        self.pieces.iter().map(move |(start, bytes)| {
            let pages = match read_now(process, *start, bytes.len(), &mut now) {
                Ok(()) => differing_pages(Some(bytes), &now, |_| false),
                Err(_) => bytes.len() as u64 / PAGE_SIZE,
            };
            (start.0, pages)
        })
    }

    /// The first difference.
    pub(crate) fn difference(&self, process: &Process) -> Step<Option<String>> {
        let mut now = Vec::new();
        for (start, bytes) in &self.pieces {
            read_now(process, *start, bytes.len(), &mut now)?;
            if let Some(at) = (0..bytes.len()).find(|at| bytes[*at] != now[*at]) {
                let addr = start.0 + at as u64;
                return Ok(Some(format!(
                    "shared memory at {addr:#x}: expected {:#04x}, found {:#04x}",
                    bytes[at], now[at]
                )));
            }
        }
        Ok(self.backings.difference())
    }
}

/// How many bytes of a mapping there are, in whole pages: those before the end of its file.
fn readable(process: &Process, mapping: &Mapping) -> Step<u64> {
    let is_there = |page: u64| {
        let at = RemoteAddr(mapping.start + page * PAGE_SIZE);
        match process_vm::read(process.pid, &process.files.mem, at, &mut [0]) {
            Ok(()) => Ok(true),
            Err(EFAULT | EIO) => Ok(false),
            Err(errno) => Err(errno).or_trouble(Reason::Memory, "reading its shared memory"),
        }
    };
    let (mut there, mut gone) = (0, mapping.len() / PAGE_SIZE);
    if is_there(gone - 1)? {
        return Ok(mapping.len());
    }
    while there < gone {
        let middle = there.midpoint(gone);
        if is_there(middle)? {
            there = middle + 1;
        } else {
            gone = middle;
        }
    }
    refuse_pages_behind(process, mapping, mapping.start + there * PAGE_SIZE)?;
    Ok(there * PAGE_SIZE)
}

/// Refuses a mapping with pages behind its supposed end: a guard, or a hole for which there is no memory, cannot be read either, and what
/// follows would be neither saved nor compared.
fn refuse_pages_behind(process: &Process, mapping: &Mapping, end: u64) -> Step<()> {
    let query = Query { any: Categories::PRESENT | Categories::SWAPPED, ..Query::default() };
    let mut found = Vec::new();
    match pagemap_scan::scan(&process.files.pagemap, end, mapping.end, &query, &mut found) {
        // Kernels without the scan have no guards in shared memory.
        Err(ENOTTY | EINVAL) => return Ok(()),
        scanned => scanned.or_trouble(Reason::Memory, "looking behind the end of its shared memory")?,
    }
    let Some(region) = found.first() else { return Ok(()) };
    let message = format!("it shares memory at {:#x}, of which a part cannot be read", region.start);
    Err(Trouble::Refused(Reason::Memory, message))
}

fn read_now(process: &Process, start: RemoteAddr, len: usize, now: &mut Vec<u8>) -> Step<()> {
    now.resize(len, 0);
    process_vm::read(process.pid, &process.files.mem, start, now)
        .or_trouble(Reason::Memory, "reading its shared memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_kernels_write_fewer_fields() {
        assert_eq!([RSEQ_FIRST_FEATURES, 24, 28, 32].map(fields_within), [1, 1, 2, 2]);
    }
}
