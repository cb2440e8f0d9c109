//! Whatever is accepted has a line of flags.
#![no_main]

use groundhog_proc::fdinfo;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(info) = fdinfo::parse(text) else { return };
    assert!(text.windows(6).any(|piece| piece == b"flags:"));
    assert_eq!(info.close_on_exec(), info.flags & 0o2_000_000 != 0);
});
