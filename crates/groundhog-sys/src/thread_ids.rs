//! `tgkill(2)` and `tkill(2)` without a signal: which threads there are, and whose they are. Unlike `/proc`, which may be
//! mounted so that it hides processes (`hidepid`), they tell of every thread in the pid namespace.

use crate::kernel_types::{Errno, Tid, check};

/// `gettid`: the calling thread.
#[must_use]
pub fn own() -> Tid {
    Tid(rustix::thread::gettid().as_raw_nonzero().get())
}

/// `tgkill`: whether a thread is one of a process, also one that has ended and that nobody has waited for.
#[must_use]
pub fn is_thread_of(process: Tid, thread: Tid) -> bool {
    // SAFETY: three numbers; without a signal nothing is sent.
    is_there(unsafe { libc::syscall(libc::SYS_tgkill, process.0, thread.0, 0) })
}

/// `tkill`: whether there is such a thread, also one that has ended and that nobody has waited for.
#[must_use]
pub fn exists(thread: Tid) -> bool {
    // SAFETY: two numbers; without a signal nothing is sent.
    is_there(unsafe { libc::syscall(libc::SYS_tkill, thread.0, 0) })
}

/// Any other error than `ESRCH`, such as `EPERM`, is about a thread that was found.
fn is_there(answer: i64) -> bool {
    check(answer) != Err(Errno(libc::ESRCH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn threads_are_told_apart_by_their_process() {
        let process = Tid(std::process::id().cast_signed());
        let thread = std::thread::spawn(move || (own(), is_thread_of(process, own()), exists(own())));
        let (former, was_ours, was_there) = thread.join().expect("it does not panic");
        assert!(was_ours && was_there);
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat");
        let pid = Tid(child.id().cast_signed());
        assert!(exists(pid) && is_thread_of(pid, pid) && !is_thread_of(process, pid));
        assert!(!is_thread_of(pid, former) && !is_thread_of(pid, own()));
        drop(child.stdin.take());
        assert!(child.wait().expect("its status").success());
        assert!(!exists(pid) && !is_thread_of(pid, pid));
    }
}
