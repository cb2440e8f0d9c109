//! Does this kernel really follow writes? Tried on memory of our own, because an interface that is there can
//! still report nothing (soft-dirty bits on kernels built without them).

use crate::kernel_types::{Errno, PAGE_SIZE, Result, check};
use crate::pagemap_scan::{self, Categories, Query};
use crate::userfaultfd::WriteProtector;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use std::fs::File;
use std::os::fd::AsRawFd;

/// A few private anonymous pages, unmapped when dropped.
struct Pages {
    start: *mut u8,
    len: usize,
}

impl Pages {
    fn new(count: usize) -> Result<Self> {
        let len = count * PAGE_SIZE as usize;
        // SAFETY: a fresh private anonymous mapping at an address of the kernel's choice.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED { Err(Errno::last()) } else { Ok(Self { start: start.cast(), len }) }
    }

    fn write(&self, page: usize) {
        // SAFETY: the callers stay within the pages of this mapping, which lives as long as `self`.
        unsafe { self.start.add(page * PAGE_SIZE as usize).write_volatile(1) };
    }

    fn range(&self) -> (u64, u64) {
        (self.start as u64, self.start as u64 + self.len as u64)
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: unmaps exactly what `new` mapped; no reference into it can be left.
        unsafe { libc::munmap(self.start.cast(), self.len) };
    }
}

/// Tries asynchronous write-protection and `PAGEMAP_SCAN` on four pages of this process.
///
/// # Errors
/// The first error met; `EIO` when everything succeeded and the answer was wrong.
pub fn write_protect_async() -> Result<()> {
    let pages = Pages::new(4)?;
    (0..3).for_each(|page| pages.write(page));
    let (start, end) = pages.range();
    let protector = WriteProtector::for_this_process()?;
    protector.register(start, end)?;
    let pagemap =
        File::open("/proc/self/pagemap").map_err(|e| Errno(e.raw_os_error().unwrap_or(libc::EIO)))?;
    let mut found = Vec::new();
    let protect = Query {
        all: Categories::PRESENT,
        report: Categories::PRESENT,
        protect: true,
        require_registered: true,
        ..Query::default()
    };
    pagemap_scan::scan(&pagemap, start, end, &protect, &mut found)?;
    pages.write(1); // protected: resolved by the kernel
    pages.write(3); // not there before
    found.clear();
    let written = Query {
        inverted: Categories::FILE,
        all: Categories::WRITTEN | Categories::WP_ALLOWED | Categories::FILE,
        any: Categories::PRESENT | Categories::SWAPPED,
        report: Categories::WRITTEN,
        ..Query::default()
    };
    pagemap_scan::scan(&pagemap, start, end, &written, &mut found)?;
    let starts: Vec<u64> = found.iter().map(|region| (region.start - start) / PAGE_SIZE).collect();
    if starts == [1, 3] && found.iter().all(|region| region.end == region.start + PAGE_SIZE) {
        Ok(())
    } else {
        Err(Errno(libc::EIO))
    }
}

/// Tries to have pages of this process put together to a huge page.
///
/// # Errors
/// `EINVAL` when the kernel has no such call, or no huge pages. That none is free now is no error.
pub fn huge_pages() -> Result<()> {
    const HUGE: usize = 2 << 20;
    const EVERY: usize = HUGE / PAGE_SIZE as usize;
    let pages = Pages::new(2 * EVERY)?;
    let first = pages.start.align_offset(HUGE) / PAGE_SIZE as usize;
    (first..first + EVERY).for_each(|page| pages.write(page));
    let start = pages.start.wrapping_add(pages.start.align_offset(HUGE));
    // SAFETY: the range lies within the mapping, whose contents stay as they are. madvise(2).
    let joined = check(i64::from(unsafe { libc::madvise(start.cast(), HUGE, libc::MADV_COLLAPSE) }));
    match joined {
        Err(Errno(libc::EAGAIN | libc::ENOMEM | libc::EBUSY)) => Ok(()),
        joined => joined.map(drop),
    }
}

/// Tries soft-dirty bits in a forked child: clears them, writes one page, reads the bits.
///
/// # Errors
/// `EOPNOTSUPP` when the bits tell nothing, else the first error met.
pub fn soft_dirty() -> Result<()> {
    let pages = Pages::new(3)?;
    (0..3).for_each(|page| pages.write(page));
    // SAFETY: the child makes system calls only and ends with _exit (signal-safety(7)).
    let child = check(i64::from(unsafe { libc::fork() }))?;
    if child == 0 {
        let code = soft_dirty_child(&pages).map_or_else(|error| error.0, |()| 0);
        // SAFETY: ends the child without running anything of the parent's.
        unsafe { libc::_exit(code) };
    }
    match wait_for(crate::Tid(i32::try_from(child).unwrap_or(-1)))? {
        0 => Ok(()),
        code => Err(Errno(code)),
    }
}

/// How long a child may take to try something out. It makes a few system calls, and whoever waits for it holds up others.
const PATIENCE: Timespec = Timespec { tv_sec: 30, tv_nsec: 0 };

/// Waits for a child of this thread to exit, and says with which code. One that takes longer than [`PATIENCE`] is killed: `EIO`.
pub(crate) fn wait_for(child: crate::Tid) -> Result<i32> {
    if !ends_within(child, PATIENCE)? {
        crate::pidfd::kill_by_id(child)?;
    }
    let mut status = 0;
    // SAFETY: waits for a child that nobody else waits for; `status` is writable.
    while unsafe { libc::waitpid(child.0, &raw mut status, 0) } == -1 {
        if Errno::last() != Errno(libc::EINTR) {
            return Err(Errno::last());
        }
    }
    if libc::WIFEXITED(status) { Ok(libc::WEXITSTATUS(status)) } else { Err(Errno(libc::EIO)) }
}

fn ends_within(child: crate::Tid, limit: Timespec) -> Result<bool> {
    let process = crate::pidfd::open(child)?;
    let mut polled = [PollFd::new(&process, PollFlags::IN)];
    Ok(retry_on_intr(|| poll(&mut polled, Some(&limit)))? > 0)
}

/// Runs in a forked child: no allocation, no lock.
fn soft_dirty_child(pages: &Pages) -> Result<()> {
    let open = |path: &std::ffi::CStr, flags: i32| -> Result<i32> {
        // SAFETY: a NUL-terminated path; open(2).
        let fd = check(i64::from(unsafe { libc::open(path.as_ptr(), flags) }))?;
        i32::try_from(fd).map_err(|_| Errno(libc::EBADF))
    };
    let clear = open(c"/proc/self/clear_refs", libc::O_WRONLY)?;
    // SAFETY: writes one byte of a constant.
    check(unsafe { libc::write(clear, c"4".as_ptr().cast(), 1) } as i64)?;
    pages.write(1);
    let pagemap = open(c"/proc/self/pagemap", libc::O_RDONLY)?;
    let mut entries = [0_u64; 3];
    let at = i64::try_from(pages.range().0 / PAGE_SIZE * 8).map_err(|_| Errno(libc::EIO))?;
    // SAFETY: reads at most the array's 24 bytes.
    let count =
        check(unsafe { libc::pread(pagemap.as_raw_fd(), entries.as_mut_ptr().cast(), 24, at) } as i64)?;
    let dirty = |page: usize| entries[page] >> 55 & 1;
    if count == 24 && (dirty(0), dirty(1), dirty(2)) == (0, 1, 0) {
        Ok(())
    } else {
        Err(Errno(libc::EOPNOTSUPP))
    }
}

/// Forks a child, seizes it, and kills it.
///
/// # Errors
/// What ptrace(2) answered.
pub fn trace_child() -> Result<()> {
    // SAFETY: the child only waits to be killed: one system call (signal-safety(7)).
    let child = check(i64::from(unsafe { libc::fork() }))?;
    if child == 0 {
        loop {
            // SAFETY: pause(2) has no arguments; prctl lets the child die with this thread.
            unsafe {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                libc::pause();
            }
        }
    }
    let child = i32::try_from(child).map_err(|_| Errno(libc::EINVAL))?;
    let seized = crate::ptrace::seize(crate::Tid(child), libc::PTRACE_O_EXITKILL);
    // SAFETY: signals and reaps the child just made, which nobody else waits for.
    unsafe {
        libc::kill(child, libc::SIGKILL);
        while libc::waitpid(child, std::ptr::null_mut(), 0) == -1 && Errno::last() == Errno(libc::EINTR) {}
    }
    seized
}

/// Installs a seccomp filter in a thread of its own. Not in a child, which whoever waits for any child might wait for.
///
/// # Errors
/// `EBUSY` where somebody answers system calls for the kernel, and may let them through untold; else what seccomp(2) answered.
pub fn calls_are_told() -> Result<()> {
    const RETURN_ALLOW: u64 = 0x06 | 0x7fff_0000 << 32;
    let install = || {
        // SAFETY: a filter of one word that says "go on", and the flag that goes with it, are this thread's alone, which ends here.
        check(unsafe { crate::spawn::install_unanswered(&[RETURN_ALLOW]) }).map(drop)
    };
    let thread = std::thread::Builder::new().spawn(install).map_err(|error| errno_of(&error))?;
    thread.join().unwrap_or(Err(Errno(libc::EIO)))
}

/// Reads memory, duplicates a descriptor and compares it, all of this very process.
///
/// # Errors
/// The first error met; `EIO` when an answer was wrong.
#[expect(clippy::disallowed_methods, reason = "it is this process's own file")]
pub fn inspection() -> Result<()> {
    use std::os::fd::AsFd;
    let own = crate::Tid(rustix::process::getpid().as_raw_nonzero().get());
    let value = 0x67_68_u64;
    let mut copy = [0; 8];
    let mem = File::open("/proc/self/mem").map_err(|error| errno_of(&error))?;
    crate::process_vm::read(own, &mem, crate::RemoteAddr(&raw const value as u64), &mut copy)?;
    let pidfd = crate::pidfd::open(own)?;
    let duplicate = crate::pidfd::duplicate_fd(&pidfd, mem.as_raw_fd())?;
    let same = crate::kcmp::same_open_file(own, mem.as_raw_fd(), duplicate.as_fd())?;
    if same && copy == value.to_ne_bytes() { Ok(()) } else { Err(Errno(libc::EIO)) }
}

fn errno_of(error: &std::io::Error) -> Errno {
    Errno(error.raw_os_error().unwrap_or(libc::EIO))
}

/// `uname -r`
#[must_use]
pub fn kernel_release() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_protection_answers_right_or_is_refused_by_name() {
        match write_protect_async() {
            Ok(()) => {}
            Err(error) => assert!(
                [libc::EPERM, libc::ENOSYS, libc::EINVAL, libc::ENOTTY].contains(&error.0),
                "unexpected: {error}"
            ),
        }
    }

    #[test]
    fn soft_dirty_bits_answer_right_or_are_refused_by_name() {
        match soft_dirty() {
            Ok(()) => {}
            Err(error) => assert_eq!(error, Errno(libc::EOPNOTSUPP)),
        }
    }

    #[test]
    fn a_child_that_does_not_end_is_not_waited_for_without_limit() {
        use std::process::{Command, Stdio};
        let started = |program: &mut Command| {
            let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
            let pid = crate::Tid(i32::try_from(child.id()).expect("an id"));
            let instant = Timespec { tv_sec: 0, tv_nsec: 1 };
            let early = ends_within(pid, instant);
            drop(child.stdin.take()); // at which cat ends
            let late = ends_within(pid, PATIENCE);
            assert!(child.wait().expect("a child").success());
            (early, late)
        };
        assert_eq!(started(&mut Command::new("cat")), (Ok(false), Ok(true)));
    }
}
