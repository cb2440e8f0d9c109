//! Which system calls there are, what each may leave behind, and what a request made.

pub(crate) mod judgement;
pub(crate) mod observed;
pub(crate) mod policy;
pub(crate) mod programs;
