//! Whatever is accepted is in order, aligned, and has one mapping for each line.
#![no_main]

use groundhog_proc::maps;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(mappings) = maps::parse(text) else { return };
    assert_eq!(mappings.len(), text.iter().filter(|&&byte| byte == b'\n').count());
    let mut floor = 0;
    for mapping in mappings {
        assert!(floor <= mapping.start && mapping.start < mapping.end);
        assert!(mapping.start % 4096 == 0 && mapping.end % 4096 == 0 && mapping.offset % 4096 == 0);
        floor = mapping.end;
    }
});
