//! Which system calls there are, what each means for isolation, and what a request made.

pub(crate) mod filter;
pub(crate) mod watch;
