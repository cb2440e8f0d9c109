//! Compiles the victims: those of these tests, and those that all tests share.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::SystemTime;

const OWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/victims");
const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../python/groundhog/audit/victims/c");
const SERVERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../python/groundhog/audit/victims/servers");
const TARGET: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/victims");
const FLAGS: [&str; 7] = ["-std=gnu11", "-O1", "-pthread", "-Wall", "-Wextra", "-Werror", "-I"];

static COMPILER: Mutex<()> = Mutex::new(());

/// The executable of a victim, compiled if it is missing or older than its sources.
pub(crate) fn program(name: &str) -> PathBuf {
    let mut sources =
        [OWN, SHARED, SERVERS].iter().map(|folder| Path::new(folder).join(name).with_extension("c"));
    let source = sources.find(|source| source.exists()).unwrap_or_else(|| panic!("there is no {name}.c"));
    let _one_at_a_time = COMPILER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let target = Path::new(TARGET).join(name);
    if modified(&target) < modified(&source).max(newest_header()) {
        compile(&source, &target);
    }
    target
}

/// Compiles everything, for machines that have no compiler.
pub(crate) fn compile_all() -> usize {
    let sources = [OWN, SHARED, SERVERS].iter().flat_map(|folder| files(folder, "c")).collect::<Vec<_>>();
    for source in &sources {
        program(source.file_stem().and_then(|stem| stem.to_str()).expect("victims have plain names"));
    }
    sources.len()
}

fn compile(source: &Path, target: &Path) {
    std::fs::create_dir_all(TARGET).expect("the target folder can be made");
    // Under another name first: another test executable may be starting the old one.
    let fresh = target.with_extension(std::process::id().to_string());
    let status = Command::new("gcc").args(FLAGS).arg(SHARED).arg("-o").arg(&fresh).arg(source).status();
    assert!(status.expect("gcc is installed").success(), "{} does not compile", source.display());
    std::fs::rename(&fresh, target).expect("the new executable takes its place");
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder of victims is there");
    let paths = entries.map(|entry| entry.expect("the folder can be listed").path());
    paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

fn newest_header() -> Option<SystemTime> {
    [OWN, SHARED].iter().flat_map(|folder| files(folder, "h")).filter_map(|path| modified(&path)).max()
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}
