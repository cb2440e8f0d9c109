//! The calling thread's own signal mask.

/// Blocks every signal for the calling thread, so that the host program's handlers run elsewhere.
pub fn block_all() {
    // SAFETY: the set is initialised by sigfillset before it is used; pthread_sigmask changes this thread only.
    unsafe {
        let mut all = std::mem::zeroed::<libc::sigset_t>();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut());
    }
}
