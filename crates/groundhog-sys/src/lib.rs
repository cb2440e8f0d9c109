//! Kernel interfaces, one file each, and every `unsafe` block of the project.
//!
//! The functions here are thin: they make one system call (or one family of them) safe to call and give its
//! arguments and results types. They decide nothing; `groundhog-engine` does.

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
compile_error!("Groundhog's engine runs on Linux x86-64 only");

pub mod copy_time;
pub mod fcntl;
pub mod file_contents;
pub mod folder;
pub mod forking;
pub mod hugepage;
pub mod jail;
pub mod kcmp;
pub mod kernel_types;
pub mod landlock;
pub mod last_page;
pub mod limits;
mod network;
pub mod open_file;
pub mod pagemap_scan;
pub mod pidfd;
pub mod process_vm;
pub mod ptrace;
pub mod queue;
pub mod robust_list;
pub mod scheduling;
pub mod self_test;
pub mod signals;
pub mod sock_diag;
pub mod socket;
pub mod socket_filter;
pub mod spawn;
pub mod thread_ids;
pub mod tick;
pub mod userfaultfd;
pub mod wait;

pub use kernel_types::{Errno, PAGE_SIZE, RemoteAddr, Result, Tid};
