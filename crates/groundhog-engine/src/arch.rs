//! What is particular to a processor: one module each, all with the same names.

mod x86_64;

pub(crate) use x86_64::*;
