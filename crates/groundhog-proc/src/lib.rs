//! Pure parsers of the text under `/proc`.
//!
//! Every parser takes bytes, never a process id, so that each can be tested on captured text and fuzzed.
//! All of them fail closed: text that is not what the kernel writes is an error that names the line, because
//! a mapping or a field that was silently skipped would be state that is silently not restored.
#![forbid(unsafe_code)]

pub mod children;
pub mod fdinfo;
pub mod locks;
pub mod maps;
pub mod mountinfo;
pub mod pagemap;
pub mod smaps;
pub mod stat;
pub mod status;
pub mod unix_sockets;

mod text;
