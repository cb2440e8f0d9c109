//! The doorbell: how other threads wake a tracer, which sleeps in `waitid`, where no channel reaches.
//!
//! It is a `SIGSTOP` to the traced process, which stops before the signal has any effect. A restore has to stop the
//! process anyway, so the doorbell costs nothing.
//!
//! It goes to the first thread alone where the kernel can do that. A signal to the whole process would be pending for
//! every thread until one has taken it, and another one that just begins to wait for signals would return at once, with
//! `EINTR` and without a stop at which that could be mended.

use groundhog_sys::{Errno, Tid, pidfd};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The doorbell of one process, shared by its tracer and those who ring.
#[derive(Debug)]
pub(crate) struct Doorbell {
    process: Arc<OwnedFd>,
    /// The first thread has ended, and others may live on: it hears nothing any more.
    first_thread_ended: AtomicBool,
    /// Living children, to be rung as well: a thread that waits for a `vfork` child hears no signal itself.
    children: Mutex<Vec<(Tid, OwnedFd)>>,
}

impl Doorbell {
    /// That of the process which `process` names.
    pub(crate) fn new(process: Arc<OwnedFd>) -> Self {
        Self { process, first_thread_ended: AtomicBool::new(false), children: Mutex::default() }
    }

    /// Rings, for a command that has been sent before.
    pub(crate) fn ring(&self) {
        // Whoever rings sends first and then looks here; the tracer writes here first and then looks for commands.
        fence(Ordering::SeqCst);
        let whole_process = self.first_thread_ended.load(Ordering::SeqCst);
        let rung = if whole_process { Err(Errno(0)) } else { pidfd::ring_first_thread(&*self.process) };
        if rung.is_err() {
            // ESRCH: it has ended, and the tracer is awake for that.
            let _ended = pidfd::ring(&*self.process);
        }
        for (_, child) in self.children().iter() {
            let _ended = pidfd::ring(child);
        }
    }

    /// The first thread has ended.
    pub(crate) fn note_first_thread_ended(&self) {
        self.first_thread_ended.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// A child lives.
    pub(crate) fn add(&self, child: Tid) {
        if let Ok(pidfd) = pidfd::open(child) {
            self.children().push((child, pidfd));
        }
    }

    /// A child has ended.
    pub(crate) fn remove(&self, ended: Tid) {
        self.children().retain(|(child, _)| *child != ended);
    }

    fn children(&self) -> MutexGuard<'_, Vec<(Tid, OwnedFd)>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
