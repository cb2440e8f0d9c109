//! Forks of the program around, whose children have this program's memory, and one thread: they would wait for ever for what another
//! thread was about to end.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

static APART: Mutex<()> = Mutex::new(());

/// As long as this lives, the program does not fork, if whoever forks takes it, too. To be taken last of all locks.
pub fn apart() -> MutexGuard<'static, ()> {
    APART.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is found out once in the program's life. Threads that ask at the same time find it out each for itself: none waits for another,
/// which in a fork would be for ever.
#[derive(Debug)]
pub struct Found<T>(OnceLock<T>);

impl<T> Found<T> {
    /// Nothing yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "for statics only")]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// What was found first.
    pub fn or(&self, find: impl FnOnce() -> T) -> &T {
        if let Some(found) = self.0.get() {
            return found;
        }
        let found = find();
        let _apart = apart();
        #[expect(clippy::disallowed_methods, reason = "this is the place for it")]
        self.0.get_or_init(|| found)
    }
}
