//! Whatever is accepted has one positive id for each blank.
#![no_main]

use groundhog_proc::children;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(ids) = children::parse(text) else { return };
    assert_eq!(ids.len(), text.iter().filter(|&&byte| byte == b' ').count());
    assert!(!ids.contains(&0));
});
