//! Whatever is accepted has its required lines, each once.
#![no_main]

use groundhog_proc::status;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    if status::parse(text).is_err() {
        return;
    }
    for field in [&b"Threads:"[..], b"Uid:", b"SigBlk:", b"CapEff:", b"TracerPid:"] {
        let lines = text.split(|&byte| byte == b'\n').filter(|line| line.starts_with(field)).count();
        assert_eq!(lines, 1);
    }
});
