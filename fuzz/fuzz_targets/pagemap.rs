//! Every multiple of eight bytes is entries, nothing else is.
#![no_main]

use groundhog_proc::pagemap;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match pagemap::parse(bytes) {
        Ok(entries) => assert_eq!(entries.count() * pagemap::ENTRY_BYTES, bytes.len()),
        Err(_) => assert_ne!(bytes.len() % pagemap::ENTRY_BYTES, 0),
    }
});
