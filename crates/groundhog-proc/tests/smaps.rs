//! A captured smaps with droppable and wipe-on-fork memory, refusals, and render-then-parse.

use std::fmt::Write as _;

use groundhog_proc::smaps::{self, Entry};
use groundhog_proc::{maps, smaps::SmapsError};
use proptest::prelude::*;

const ODD: &[u8] = include_bytes!("samples/odd.smaps");
const HEADER: &str = "1000-2000 rw-p 00000000 00:00 0 \n";

#[test]
fn a_captured_smaps_has_the_mappings_of_its_headers() {
    // No field name begins like an address: small letters and digits only.
    let headers: Vec<u8> = ODD
        .split_inclusive(|&byte| byte == b'\n')
        .filter(|line| !line[0].is_ascii_uppercase())
        .flatten()
        .copied()
        .collect();
    let entries = smaps::parse(ODD).expect("a captured sample");
    let mappings = maps::parse(&headers).expect("headers are lines of maps");
    assert!(mappings.len() > 100);
    assert!(entries.iter().map(|entry| &entry.mapping).eq(&mappings));
    assert_eq!(smaps::lazy_free_total(&entries), 0);
}

#[test]
fn memory_that_must_be_zeroed_is_marked() {
    let entries = smaps::parse(ODD).expect("a captured sample");
    let with = |code| entries.iter().filter(|entry| entry.flags.has(code)).collect::<Vec<&Entry>>();
    // One MADV_WIPEONFORK mapping, and one MAP_DROPPABLE, which is wiped on fork as well.
    assert_eq!(with(b"wf").len(), 2);
    assert_eq!(with(b"dp").len(), 1);
    assert_eq!(with(b"sh").len(), 4);
    assert_eq!(with(b"gd").len(), 1, "the stack grows down");
    assert_eq!(entries[0].flags.iter().collect::<Vec<_>>(), [*b"rd", *b"mr", *b"mw", *b"me"]);
}

#[test]
fn unknown_fields_are_passed_over() {
    let text = format!("{HEADER}Novelty:  12 furlongs\nLazyFree:   8 kB\nVmFlags: rd wr zz \n");
    let entries = smaps::parse(text.as_bytes()).expect("valid");
    assert_eq!(entries.len(), 1);
    assert_eq!(smaps::lazy_free_total(&entries), 8192);
    assert!(entries[0].flags.has(b"zz") && !entries[0].flags.has(b"wf"));
}

#[test]
fn each_refusal_names_its_line() {
    let cases = [
        (
            format!("{HEADER}LazyFree: 0 kB\n"),
            "smaps line 2: the mapping 1000-2000 that ends here has no VmFlags",
        ),
        (
            format!("{HEADER}VmFlags: rd \n"),
            "smaps line 2: the mapping 1000-2000 that ends here has no LazyFree",
        ),
        (format!("{HEADER}LazyFree: 0 MB\n"), "smaps line 2: bad LazyFree: \"LazyFree: 0 MB\""),
        (format!("{HEADER}VmFlags: rd wrx\n"), "smaps line 2: bad VmFlags: \"VmFlags: rd wrx\""),
        ("VmFlags: rd\n".to_owned(), "smaps line 1: misplaced VmFlags: \"VmFlags: rd\""),
        (format!("{HEADER}VmFlags: rd\nVmFlags: wr\n"), "smaps line 3: misplaced VmFlags: \"VmFlags: wr\""),
        (
            format!("{HEADER}LazyFree: 1 kB\nLazyFree: 2 kB\n"),
            "smaps line 3: misplaced LazyFree: \"LazyFree: 2 kB\"",
        ),
        (
            format!("{HEADER}LazyFree: 1 kB\nVmFlags: rd\n{HEADER}"),
            "smaps, maps line 4: overlaps or precedes the line before: \"1000-2000 rw-p 00000000 00:00 0 \"",
        ),
        ("nonsense\n".to_owned(), "smaps, maps line 1: bad address range: \"nonsense\""),
        (format!("{HEADER}LazyFree: 1 k"), "smaps, maps line 2: cut off: \"LazyFree: 1 k\""),
    ];
    for (text, message) in cases {
        assert_eq!(smaps::parse(text.as_bytes()).expect_err(&text).to_string(), message);
    }
}

#[test]
fn a_text_cut_between_two_lines_is_refused_inside_a_mapping() {
    let second = ODD.windows(9).position(|part| part == b"VmFlags: ").expect("there is one");
    let cut = ODD[..second].iter().rposition(|&byte| byte == b'\n').expect("there is one") + 1;
    assert!(matches!(smaps::parse(&ODD[..cut]), Err(SmapsError::Missing { field: "VmFlags", .. })));
}

proptest! {
    #[test]
    fn flags_and_lazy_bytes_come_back(
        parts in prop::collection::vec((prop::collection::vec("[a-z]{2}", 0..12), 0_u64..1 << 40), 0..20)
    ) {
        let mut text = String::new();
        for (index, (codes, lazy)) in parts.iter().enumerate() {
            let start = (index as u64 + 1) << 12;
            writeln!(text, "{start:08x}-{:08x} rw-p 00000000 00:00 0 ", start + 4096).expect("no end of memory");
            writeln!(text, "Size: 4 kB\nLazyFree: {lazy:>14} kB\nVmFlags: {}", codes.join(" "))
                .expect("no end of memory");
        }
        let entries = smaps::parse(text.as_bytes()).expect("as the kernel writes it");
        prop_assert_eq!(entries.len(), parts.len());
        for (entry, (codes, lazy)) in entries.iter().zip(&parts) {
            let read: Vec<String> =
                entry.flags.iter().map(|code| String::from_utf8_lossy(&code).into_owned()).collect();
            prop_assert_eq!(&read, codes);
            prop_assert_eq!(entry.lazy_free, lazy * 1024);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(text in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = smaps::parse(&text);
    }
}
