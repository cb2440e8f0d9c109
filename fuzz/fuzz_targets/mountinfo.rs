//! Whatever is accepted has one absolute path for each line.
#![no_main]

use groundhog_proc::mountinfo;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(points) = mountinfo::mount_points(text) else { return };
    assert_eq!(points.len(), text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).count());
    assert!(points.iter().all(|point| point.starts_with(b"/")));
});
