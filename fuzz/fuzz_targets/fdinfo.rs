//! Whatever is accepted has a line of flags, and one for each target of an epoll set.
#![no_main]

use groundhog_proc::fdinfo;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    if let Ok(targets) = fdinfo::epoll_targets(text) {
        assert_eq!(targets.len(), text.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"tfd:")).count());
    }
    let Ok(info) = fdinfo::parse(text) else { return };
    assert!(text.windows(6).any(|piece| piece == b"flags:"));
    assert_eq!(info.close_on_exec(), info.flags & 0o2_000_000 != 0);
});
