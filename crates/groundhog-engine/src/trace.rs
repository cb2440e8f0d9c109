//! Following, stopping and changing the threads and children of a traced process. Knows no kind of state.

pub(crate) mod doorbell;
pub(crate) mod fd_passing;
pub(crate) mod inspect;
pub(crate) mod process;
pub(crate) mod registers;
pub(crate) mod remote_syscall;
