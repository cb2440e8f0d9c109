//! Looking at processes from outside.

use std::time::{Duration, Instant};

/// Long enough for an emulated machine under load; nothing waits that long unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(2);

/// Whether a process is there and not a zombie.
pub(crate) fn is_alive(pid: i32) -> bool {
    let Ok(stat) = std::fs::read(format!("/proc/{pid}/stat")) else { return false };
    let stat = groundhog_proc::stat::parse(&stat).expect("the kernel's own text parses");
    !matches!(stat.state, b'Z' | b'X')
}

/// Waits for something that has no event, such as the end of a process that is not ours.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// Waits for the end of a process that is not ours.
pub(crate) fn wait_until_gone(pid: i32) {
    wait_until(&format!("the end of process {pid}"), || !is_alive(pid));
}
