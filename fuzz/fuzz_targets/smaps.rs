//! Whatever is accepted has in-order mappings, one for each line that is not a field.
#![no_main]

use groundhog_proc::smaps;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(entries) = smaps::parse(text) else { return };
    assert!(entries.is_sorted_by(|one, next| one.mapping.end <= next.mapping.start));
    let flags = text.split(|&byte| byte == b'\n').filter(|line| line.starts_with(b"VmFlags:")).count();
    assert_eq!(entries.len(), flags);
    let _ = smaps::lazy_free_total(&entries);
});
