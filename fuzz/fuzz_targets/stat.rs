//! Whatever is accepted begins with the id and the name that were read.
#![no_main]

use groundhog_proc::stat;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(read) = stat::parse(text) else { return };
    let at = text.iter().position(|&byte| byte == b'(').expect("the name is in parentheses") + 1;
    let after = &text[at + read.comm.len()..];
    assert_eq!(&text[at..at + read.comm.len()], read.comm);
    assert_eq!(&after[..2], b") ");
    assert_eq!(after[2], read.state);
    assert!(!after[1..].contains(&b')'));
});
