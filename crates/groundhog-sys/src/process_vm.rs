//! `process_vm_readv(2)` and `process_vm_writev(2)`, and `/proc/PID/mem` where they do not reach.

use crate::kernel_types::{Errno, PAGE_SIZE, RemoteAddr, Result, Tid, check};
use std::os::fd::{AsFd, BorrowedFd};

/// How many vectors one call takes (`UIO_MAXIOV`).
const MAX_VECTORS: usize = 1024;

/// A batch of pieces to copy between this process and the tracee.
///
/// Local memory is borrowed for `'a`, so that the vectors cannot outlive what they point to.
#[derive(Default)]
pub struct Batch<'a> {
    local: Vec<libc::iovec>,
    remote: Vec<libc::iovec>,
    bytes: usize,
    borrowed: std::marker::PhantomData<&'a [u8]>,
}

fn remote_vector(addr: RemoteAddr, len: usize) -> libc::iovec {
    libc::iovec { iov_base: addr.0 as *mut libc::c_void, iov_len: len }
}

impl<'a> Batch<'a> {
    /// A batch with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes to be written at `addr`. Neighbours on both sides become one piece.
    pub fn push(&mut self, addr: RemoteAddr, bytes: &'a [u8]) {
        self.bytes += bytes.len();
        if let (Some(local), Some(remote)) = (self.local.last_mut(), self.remote.last_mut())
            && remote.iov_base as u64 + remote.iov_len as u64 == addr.0
            && local.iov_base as usize + local.iov_len == bytes.as_ptr() as usize
        {
            local.iov_len += bytes.len();
            remote.iov_len += bytes.len();
            return;
        }
        self.local.push(libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() });
        self.remote.push(remote_vector(addr, bytes.len()));
    }

    /// Bytes in the batch.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Writes everything into the tracee.
    ///
    /// Pages that its mapping does not let it write are written through `mem`, its open `/proc/PID/mem`.
    ///
    /// # Errors
    /// `ESRCH` when the tracee is gone, `EPERM` when it may not be touched any more, `EFAULT` or `EIO` when an
    /// address is not mapped.
    pub fn write(&self, tid: Tid, mem: impl AsFd) -> Result<()> {
        let mem = mem.as_fd();
        let mut first = 0;
        while first < self.local.len() {
            let last = (first + MAX_VECTORS).min(self.local.len());
            let local = &self.local[first..last];
            let remote = &self.remote[first..last];
            let wanted: usize = remote.iter().map(|v| v.iov_len).sum();
            // SAFETY: `local` points to memory borrowed for 'a, which is only read; `remote` holds addresses of
            // another address space, which the kernel checks. process_vm_readv(2).
            let written = check(unsafe {
                libc::process_vm_writev(
                    tid.0,
                    local.as_ptr(),
                    local.len() as libc::c_ulong,
                    remote.as_ptr(),
                    remote.len() as libc::c_ulong,
                    0,
                ) as i64
            });
            let written = match written {
                Err(Errno(libc::EFAULT)) => 0,
                Err(error) => return Err(error),
                Ok(count) => count as usize,
            };
            if written == wanted {
                first = last;
            } else {
                first += self.force_next(first, written, mem)?;
            }
        }
        Ok(())
    }

    /// Writes everything through `mem` with one call a page, as the published system does.
    ///
    /// # Errors
    /// As [`write_forced`].
    pub fn write_page_by_page(&self, mem: impl AsFd) -> Result<()> {
        let mem = mem.as_fd();
        for (local, remote) in self.local.iter().zip(&self.remote) {
            // SAFETY: the vector was made by `push` from a slice borrowed for 'a.
            let bytes = unsafe { std::slice::from_raw_parts(local.iov_base.cast::<u8>(), local.iov_len) };
            for (at, page) in bytes.chunks(PAGE_SIZE as usize).enumerate() {
                write_forced(mem, RemoteAddr(remote.iov_base as u64 + at as u64 * PAGE_SIZE), page)?;
            }
        }
        Ok(())
    }

    /// After a short write from vector `first` on: forces the vector that stopped it; says how many are done.
    fn force_next(&self, first: usize, mut written: usize, mem: BorrowedFd<'_>) -> Result<usize> {
        let mut done = 0;
        while written >= self.remote[first + done].iov_len {
            written -= self.remote[first + done].iov_len;
            done += 1;
        }
        let (local, remote) = (&self.local[first + done], &self.remote[first + done]);
        // SAFETY: the vector was made by `push` from a slice borrowed for 'a.
        let bytes = unsafe { std::slice::from_raw_parts(local.iov_base.cast::<u8>(), local.iov_len) };
        write_forced(mem, RemoteAddr(remote.iov_base as u64), bytes)?;
        Ok(done + 1)
    }
}

/// Writes `bytes` where the tracee may write itself.
///
/// # Errors
/// `EFAULT` where it may not, `ESRCH` when it is gone, `EPERM` when it may not be touched any more.
pub fn write(tid: Tid, addr: RemoteAddr, bytes: &[u8]) -> Result<()> {
    let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let remote = remote_vector(addr, bytes.len());
    // SAFETY: `local` is borrowed memory of that length, which is only read; the kernel checks `remote`. process_vm_readv(2).
    let written = check(unsafe {
        libc::process_vm_writev(tid.0, &raw const local, 1, &raw const remote, 1, 0) as i64
    })?;
    if written as usize == bytes.len() { Ok(()) } else { Err(Errno(libc::EFAULT)) }
}

/// Writes through `/proc/PID/mem`, which overrides the protection of private mappings.
///
/// # Errors
/// `EIO` when an address is not mapped.
pub fn write_forced(mem: impl AsFd, addr: RemoteAddr, bytes: &[u8]) -> Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        let count = rustix::io::pwrite(&mem, &bytes[done..], addr.0 + done as u64)?;
        if count == 0 {
            return Err(Errno(libc::EIO));
        }
        done += count;
    }
    Ok(())
}

/// Reads `buffer.len()` bytes at `addr` of the tracee, through `mem` where the mapping may not be read, or when the tracee
/// has made itself undumpable since `mem` was opened.
///
/// # Errors
/// `ESRCH`, `EPERM`, `EFAULT` or `EIO` as for [`Batch::write`].
pub fn read(tid: Tid, mem: impl AsFd, addr: RemoteAddr, buffer: &mut [u8]) -> Result<()> {
    let mut done = 0;
    while done < buffer.len() {
        let rest = &mut buffer[done..];
        let local = libc::iovec { iov_base: rest.as_mut_ptr().cast(), iov_len: rest.len() };
        let remote = remote_vector(RemoteAddr(addr.0 + done as u64), rest.len());
        // SAFETY: `local` is exclusively borrowed memory of that length; the kernel checks `remote`.
        let count = check(unsafe {
            libc::process_vm_readv(tid.0, &raw const local, 1, &raw const remote, 1, 0) as i64
        });
        match count {
            Ok(count) if count > 0 => done += count as usize,
            Ok(_) | Err(Errno(libc::EFAULT | libc::EPERM)) => {
                // One page by force, then the fast way again.
                let here = addr.0 + done as u64;
                let page = (PAGE_SIZE - here % PAGE_SIZE) as usize;
                let piece = page.min(buffer.len() - done);
                let count = rustix::io::pread(&mem, &mut buffer[done..done + piece], here)?;
                if count == 0 {
                    return Err(Errno(libc::EFAULT));
                }
                done += count;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads memory of this process itself that may have no page any more, where an access would end it.
///
/// # Errors
/// `EFAULT` or `EIO` when there is no page.
pub fn read_own(addr: RemoteAddr, buffer: &mut [u8]) -> Result<()> {
    let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let remote = remote_vector(addr, buffer.len());
    // SAFETY: `local` is exclusively borrowed memory of that length; the kernel checks `remote`.
    let count =
        unsafe { libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0) };
    match moved(count, buffer.len()) {
        Err(REFUSED) => read(own_id(), own_memory()?, addr, buffer),
        moved => moved,
    }
}

/// Writes memory of this process itself, likewise, which it may write.
///
/// # Errors
/// As [`read_own`].
pub fn write_own(addr: RemoteAddr, bytes: &[u8]) -> Result<()> {
    let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let remote = remote_vector(addr, bytes.len());
    // SAFETY: `local` is borrowed memory of that length, which is only read; the kernel checks `remote`, and the caller has no
    // reference to what is there.
    let count =
        unsafe { libc::process_vm_writev(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0) };
    match moved(count, bytes.len()) {
        Err(REFUSED) => write_forced(own_memory()?, addr, bytes),
        moved => moved,
    }
}

/// Some containers refuse the calls. The file in their stead cannot be opened by a thread that acts as another user.
const REFUSED: Errno = Errno(libc::EPERM);

fn moved(count: isize, wanted: usize) -> Result<()> {
    match usize::try_from(count) {
        Ok(count) if count == wanted => Ok(()),
        Ok(_) => Err(Errno(libc::EFAULT)),
        Err(_) => match Errno::last() {
            Errno(libc::ENOSYS) => Err(REFUSED),
            errno => Err(errno),
        },
    }
}

fn own_id() -> Tid {
    Tid(rustix::process::getpid().as_raw_nonzero().get())
}

fn own_memory() -> Result<std::fs::File> {
    let opened = std::fs::File::options().read(true).write(true).open("/proc/self/mem");
    opened.map_err(|error| Errno(error.raw_os_error().unwrap_or(libc::EIO)))
}
