//! Starting a process that waits, before `execve`, until it is traced.
//!
//! ```text
//!   tracer thread                     leader             child, of the tracer's too (CLONE_PARENT)
//!   fork ---------------------------> own session
//!   read its number <---------------- clone -----------> dies with the tracer (PR_SET_PDEATHSIG)
//!   PTRACE_SEIZE (EXITKILL)           ends               waits for a byte on `gate`
//!   write gate ----------------------------------------> jail, descriptors, directory, no_new_privs, filter, execve
//!   read `trouble` after that <-------------------------- nothing, or an errno and the step that failed
//! ```
//!
//! A tracer that dies before it seized closes the gate, and the child exits. The leader of a session would get a terminal by
//! merely opening one, and keep it.

use crate::fcntl;
use crate::jail::{self, Jail};
use crate::kernel_types::{Errno, Result, Tid, check};
use crate::wait;
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;

/// What to start.
#[derive(Debug)]
pub struct Command {
    /// The program, already looked up.
    pub program: CString,
    /// Its arguments, its name first.
    pub argv: Vec<CString>,
    /// Its whole environment, `NAME=value`.
    pub env: Vec<CString>,
    /// Its working directory; none: ours.
    pub cwd: Option<CString>,
    /// Its descriptors: (number there, number here). All others are closed.
    pub fds: Vec<(i32, i32)>,
    /// Seccomp programs (`struct sock_filter` words each) to bind it, with `no_new_privs`.
    pub filters: Vec<Vec<u64>>,
    /// What it is shut in by.
    pub jail: Option<Jail>,
}

/// Where starting a program failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `dup2` of a descriptor.
    Descriptors,
    /// `chdir`.
    Directory,
    /// `seccomp`.
    Filter,
    /// `execve`.
    Exec,
    /// See [`jail`].
    Jail,
}

/// A child between fork and exec.
#[derive(Debug)]
pub struct Pending {
    /// Its process id.
    pub pid: Tid,
    gate: OwnedFd,
    trouble: OwnedFd,
}

/// `fork`: the child waits for [`Pending::release`].
///
/// It is a child of the calling *thread* as far as ptrace and the parent-death signal go.
///
/// # Errors
/// As fork(2) and pipe(2).
pub fn fork(command: &Command) -> Result<Pending> {
    let (gate_read, gate) = fcntl::pipe()?;
    let (trouble, trouble_write) = fcntl::pipe()?;
    let pointers = |strings: &[CString]| -> Vec<*const libc::c_char> {
        strings.iter().map(|s| s.as_ptr()).chain([ptr::null()]).collect()
    };
    let (argv, env) = (pointers(&command.argv), pointers(&command.env));
    let mut fds = command.fds.clone();
    let parent = rustix::process::getpid().as_raw_nonzero().get();
    let (born, born_write) = fcntl::pipe()?;
    // SAFETY: the children of this threaded process call only `lead` and `child`, which make system calls and touch no lock
    // and no allocator (signal-safety(7)); they never return.
    let leader = check(i64::from(unsafe { libc::fork() }))?;
    if leader == 0 {
        // SAFETY: as above; the vectors are NULL-terminated arrays of strings that `command` owns.
        unsafe {
            if lead(&born_write) {
                child(command, &argv, &env, &mut fds, parent, &gate_read, &gate, &trouble_write);
            }
            libc::_exit(0)
        };
    }
    drop(born_write);
    // Where the host program ignores the ends of its children, or waits for any, it has been taken when this returns.
    let _taken = wait::one(Tid(i32::try_from(leader).map_err(|_| Errno(libc::EINVAL))?));
    // Not to the pipe's end: a fork of the host may have the other end, for as long as it lives.
    let mut told = [0; 4];
    let has_told = fcntl::readable(std::iter::once(&born))?[0];
    let count = if has_told { rustix::io::retry_on_intr(|| rustix::io::read(&born, &mut told))? } else { 0 };
    match i32::from_ne_bytes(told) {
        pid if count == told.len() && pid > 0 => Ok(Pending { pid: Tid(pid), gate, trouble }),
        errno if count == told.len() => Err(Errno(-errno)),
        _ => Err(Errno(libc::ECHILD)), // it was killed before it could tell
    }
}

/// Makes a session, and in it a child of the tracer's; true in that one. The leader tells its number, or the error.
///
/// # Safety
/// To be called in a fresh child only.
unsafe fn lead(born: &OwnedFd) -> bool {
    // SAFETY: plain system calls. clone(2) without CLONE_VM and without a stack is a fork; its child returns from here on a
    // copy of this stack.
    unsafe {
        libc::setsid();
        let flags = (libc::CLONE_PARENT | libc::SIGCHLD) as libc::c_ulong;
        let pid = libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0);
        if pid == 0 {
            return true;
        }
        let told = if pid > 0 { pid as i32 } else { -Errno::last().0 };
        libc::write(born.as_raw_fd(), (&raw const told).cast(), 4);
        false
    }
}

impl Pending {
    /// Lets the child go on to `execve`. Its outcome comes from [`Outcome::told`].
    ///
    /// # Errors
    /// `EPIPE` when it is dead already.
    pub fn release(self) -> Result<Outcome> {
        rustix::io::write(&self.gate, &[1])?;
        Ok(Outcome { trouble: self.trouble })
    }
}

/// How starting went.
#[derive(Debug)]
pub struct Outcome {
    trouble: OwnedFd,
}

impl Outcome {
    /// What the child told before it ended, none if nothing. To be asked once it runs another program or has ended: it tells no more
    /// then. Nobody waits for the end of the pipe, which a fork of the host program may have as well, for as long as that lives.
    #[must_use]
    pub fn told(self) -> Option<(Step, Errno)> {
        let mut report = [0_u8; 8];
        let mut filled = 0;
        while filled < report.len() {
            match fcntl::readable(std::iter::once(&self.trouble)) {
                Ok(ready) if ready[0] => {}
                Ok(_) => return None,
                Err(errno) => return Some((Step::Exec, errno)),
            }
            match rustix::io::read(&self.trouble, &mut report[filled..]) {
                Ok(0) => return None,
                Ok(count) => filled += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Some((Step::Exec, error.into())),
            }
        }
        let word = |at: usize| i32::from_ne_bytes(report[at..at + 4].try_into().unwrap_or_default());
        let step = match word(0) {
            0 => Step::Descriptors,
            1 => Step::Directory,
            2 => Step::Filter,
            4 => Step::Jail,
            _ => Step::Exec,
        };
        Some((step, Errno(word(4))))
    }
}

/// What the child does; system calls only.
///
/// # Safety
/// To be called in a fresh child only; `argv` and `env` must be NULL-terminated arrays of C strings.
#[allow(
    clippy::too_many_arguments,
    reason = "all of it is prepared before fork, and a child must not allocate"
)]
unsafe fn child(
    command: &Command,
    argv: &[*const libc::c_char],
    env: &[*const libc::c_char],
    fds: &mut [(i32, i32)],
    parent: i32,
    gate: &OwnedFd,
    gate_write: &OwnedFd,
    trouble: &OwnedFd,
) -> ! {
    // SAFETY: all of the body is plain system calls on numbers and on memory prepared by the parent.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid() != parent {
            libc::_exit(127);
        }
        libc::close(gate_write.as_raw_fd());
        let mut byte = 0_u8;
        let mut count;
        loop {
            count = libc::read(gate.as_raw_fd(), (&raw mut byte).cast(), 1);
            if count != -1 || Errno::last() != Errno(libc::EINTR) {
                break;
            }
        }
        if count != 1 {
            libc::_exit(127); // the tracer is gone
        }
        reset_signals();
        if let Some(jail) = &command.jail {
            if let Err(errno) = jail::enter(jail) {
                fail_with(trouble.as_raw_fd(), Step::Jail, errno);
            }
            // Becoming another user has taken it away (`commit_creds` in kernel/cred.c).
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            if libc::getppid() != parent {
                libc::_exit(127);
            }
        }
        let trouble = place_descriptors(fds, trouble.as_raw_fd());
        if let Some(cwd) = &command.cwd
            && libc::chdir(cwd.as_ptr()) == -1
        {
            fail(trouble, Step::Directory);
        }
        for (index, filter) in command.filters.iter().enumerate() {
            let installed = if index == 0 { install_unanswered(filter) } else { install_filter(filter, 0) };
            if installed == -1 {
                fail(trouble, Step::Filter);
            }
        }
        libc::execve(command.program.as_ptr(), argv.as_ptr(), env.as_ptr());
        fail(trouble, Step::Exec)
    }
}

/// Writes the failed step and errno, and ends.
///
/// # Safety
/// In a fresh child only.
unsafe fn fail(trouble: i32, step: Step) -> ! {
    // SAFETY: as this function.
    unsafe { fail_with(trouble, step, Errno::last()) }
}

/// Writes the failed step and why it failed, and ends.
///
/// # Safety
/// In a fresh child only.
unsafe fn fail_with(trouble: i32, step: Step, errno: Errno) -> ! {
    let report = [step as i32, errno.0];
    // SAFETY: writes eight bytes of a local array; then ends without running any destructor.
    unsafe {
        libc::write(trouble, report.as_ptr().cast(), 8);
        libc::_exit(127)
    }
}

/// Signal mask and dispositions as a fresh program expects them (Python ignores `SIGPIPE`).
///
/// # Safety
/// In a fresh child only.
unsafe fn reset_signals() {
    // SAFETY: the set is initialised by sigemptyset; SIG_DFL is a valid disposition for every signal.
    unsafe {
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut none = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
    }
}

/// Puts the wanted descriptors in place and marks all others close-on-exec; answers where `trouble` is now.
///
/// # Safety
/// In a fresh child only.
unsafe fn place_descriptors(fds: &mut [(i32, i32)], trouble: i32) -> i32 {
    // SAFETY: system calls on descriptor numbers; F_DUPFD and dup2 touch only this child's table.
    unsafe {
        let above = fds.iter().map(|(there, _)| *there).max().unwrap_or(2) + 1;
        // Out of the way first, so that no source is overwritten before it is used.
        let trouble_moved = libc::fcntl(trouble, libc::F_DUPFD_CLOEXEC, above);
        for (_, here) in fds.iter_mut() {
            let moved = libc::fcntl(*here, libc::F_DUPFD_CLOEXEC, above);
            if moved == -1 {
                fail(trouble, Step::Descriptors);
            }
            *here = moved;
        }
        if libc::syscall(libc::SYS_close_range, 0, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) == -1 {
            fail(trouble, Step::Descriptors);
        }
        for (there, here) in fds.iter() {
            if libc::dup2(*here, *there) == -1 {
                fail(trouble_moved, Step::Descriptors);
            }
        }
        trouble_moved
    }
}

/// As [`install_filter`], where nobody answers calls for the kernel: `EBUSY`. Who does, such as the manager of a container, may let them
/// through (`SECCOMP_USER_NOTIF_FLAG_CONTINUE`), and a tracer is not told of them then: of several filters the kernel takes the
/// strictest answer, and to ask somebody is stricter than to tell a tracer.
///
/// # Safety
/// As [`install_filter`].
pub(crate) unsafe fn install_unanswered(filter: &[u64]) -> i64 {
    // SAFETY: as this function; the descriptor that it answers is nobody else's. The kernel gives one only where no filter has one.
    unsafe {
        let listener = install_filter(filter, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER);
        if listener == -1 { -1 } else { i64::from(libc::close(listener as i32)) }
    }
}

/// Sets `no_new_privs` and installs a seccomp filter; -1 where that fails.
///
/// # Safety
/// In a fresh child, or a thread that ends; `filter` must hold `struct sock_filter` words.
unsafe fn install_filter(filter: &[u64], flags: libc::c_ulong) -> i64 {
    let Ok(len) = u16::try_from(filter.len()) else { return -1 };
    let program = libc::sock_fprog { len, filter: filter.as_ptr().cast_mut().cast() };
    // SAFETY: `program` describes `len` filter words that outlive the call; seccomp(2) copies them.
    unsafe {
        if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 {
            return -1;
        }
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
    }
}

/// Looks a program up as a shell does: by path when it has a slash, else along `search`.
///
/// # Errors
/// `ENOENT` when nothing by that name is executable.
pub fn look_up(program: &CStr, search: &str) -> Result<CString> {
    use std::os::unix::ffi::OsStrExt;
    let name = program.to_bytes();
    if name.contains(&b'/') {
        return Ok(program.to_owned());
    }
    for folder in search.split(':') {
        let mut path = std::path::PathBuf::from(if folder.is_empty() { "." } else { folder });
        path.push(std::ffi::OsStr::from_bytes(name));
        let executable = rustix::fs::access(&path, rustix::fs::Access::EXEC_OK).is_ok() && path.is_file();
        if executable && let Ok(path) = CString::new(path.as_os_str().as_bytes()) {
            return Ok(path);
        }
    }
    Err(Errno(libc::ENOENT))
}
