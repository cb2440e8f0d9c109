//! Captured maps of real runtimes, refusals, and render-then-parse.

use groundhog_proc::maps::{self, Device, Mapping, MapsError, Name, Perms};
use proptest::prelude::*;

const CPYTHON: &[u8] = include_bytes!("samples/cpython.maps");
const NODE: &[u8] = include_bytes!("samples/node.maps");
const JVM: &[u8] = include_bytes!("samples/jvm.maps");
const ODD: &[u8] = include_bytes!("samples/odd.maps");

/// The line as the kernel prints it: `show_map_vma` pads the name to column 73.
fn render(mapping: &Mapping) -> Vec<u8> {
    let Mapping { start, end, perms, offset, device, inode, name } = mapping;
    let letter = |set, letter| if set { letter } else { '-' };
    let mut line = format!(
        "{start:08x}-{end:08x} {}{}{}{} {offset:08x} {:02x}:{:02x} {inode} ",
        letter(perms.read, 'r'),
        letter(perms.write, 'w'),
        letter(perms.exec, 'x'),
        if perms.shared { 's' } else { 'p' },
        device.major,
        device.minor,
    )
    .into_bytes();
    let column = match name {
        Name::Anonymous => Vec::new(),
        Name::NamedAnonymous(name) => [b"[anon:", name.as_slice(), b"]"].concat(),
        Name::NamedShmem(name) => [b"[anon_shmem:", name.as_slice(), b"]"].concat(),
        Name::Heap => b"[heap]".to_vec(),
        Name::Stack => b"[stack]".to_vec(),
        Name::Vvar => b"[vvar]".to_vec(),
        Name::Vdso => b"[vdso]".to_vec(),
        Name::Vsyscall => b"[vsyscall]".to_vec(),
        Name::Uprobes => b"[uprobes]".to_vec(),
        Name::Other(name) => [b"[", name.as_slice(), b"]"].concat(),
        Name::Path { path, deleted } => {
            let mut shown = Vec::new();
            for &byte in path {
                if byte == b'\n' {
                    shown.extend_from_slice(b"\\012");
                } else {
                    shown.push(byte);
                }
            }
            if *deleted {
                shown.extend_from_slice(b" (deleted)");
            }
            shown
        }
    };
    if !column.is_empty() {
        line.resize(line.len().max(73), b' ');
        line.extend_from_slice(&column);
    }
    line.push(b'\n');
    line
}

fn render_all(mappings: &[Mapping]) -> Vec<u8> {
    mappings.iter().flat_map(render).collect()
}

fn lines(text: &[u8]) -> usize {
    text.split_inclusive(|&byte| byte == b'\n').count()
}

#[test]
fn captured_runtimes_come_back_whole() {
    for sample in [CPYTHON, NODE, JVM, ODD] {
        let mappings = maps::parse(sample).expect("a captured sample");
        assert_eq!(mappings.len(), lines(sample));
        // `[vvar_vclock]` is the one name that is not kept apart.
        let rendered = String::from_utf8(render_all(&mappings)).expect("text");
        let expected = String::from_utf8(sample.to_vec()).expect("text").replace("[vvar_vclock]", "[vvar]");
        assert_eq!(rendered, expected);
    }
}

#[test]
fn mappings_after_vvar_are_not_lost() {
    for sample in [CPYTHON, NODE, JVM, ODD] {
        let mappings = maps::parse(sample).expect("a captured sample");
        let names: Vec<&Name> = mappings.iter().map(|mapping| &mapping.name).collect();
        let at = |wanted: &Name| names.iter().position(|name| *name == wanted).expect("the mapping is there");
        assert!(at(&Name::Vvar) < at(&Name::Vdso));
        assert!(at(&Name::Vdso) + 5 < at(&Name::Stack), "the loader lies between vdso and stack");
        assert_eq!(at(&Name::Vsyscall), mappings.len() - 1);
        assert_eq!(names.iter().filter(|name| ***name == Name::Vvar).count(), 2, "[vvar] and [vvar_vclock]");
    }
}

#[test]
fn odd_names_are_decoded() {
    let mappings = maps::parse(ODD).expect("a captured sample");
    let has = |path: &[u8], deleted| {
        mappings.iter().any(|mapping| mapping.name == Name::Path { path: path.to_vec(), deleted })
    };
    assert!(has(b"/tmp/a b.bin", false));
    assert!(has(b"/tmp/nl\nx.bin", false));
    assert!(has(b"/tmp/back\\slash.bin", false));
    assert!(has(b"/tmp/gone.bin", true));
    assert!(has(b"/memfd:secret name", true));
    assert!(has(b"/dev/zero", true));
    assert!(has(b"/SYSV00000000", true));
}

#[test]
fn every_field_of_a_line_is_read() {
    let text =
        b"7f339c3c1000-7f339c3d1000 r-xs 00006000 103:1f 21503                     /usr/lib/x.so (deleted)\n";
    assert_eq!(
        maps::parse(text),
        Ok(vec![Mapping {
            start: 0x7f33_9c3c_1000,
            end: 0x7f33_9c3d_1000,
            perms: Perms { read: true, write: false, exec: true, shared: true },
            offset: 0x6000,
            device: Device { major: 0x103, minor: 0x1f },
            inode: 21503,
            name: Name::Path { path: b"/usr/lib/x.so".to_vec(), deleted: true },
        }])
    );
    assert_eq!(maps::parse(text).expect("valid")[0].len(), 0x10000);
    assert!(!maps::parse(text).expect("valid")[0].is_empty());
}

#[test]
fn bracketed_names_are_told_apart() {
    let cases: [(&str, Name); 9] = [
        ("[anon:my arena]", Name::NamedAnonymous(b"my arena".to_vec())),
        ("[anon_shmem:my shm]", Name::NamedShmem(b"my shm".to_vec())),
        ("[anon:]", Name::NamedAnonymous(Vec::new())),
        ("[vvar_vclock]", Name::Vvar),
        ("[uprobes]", Name::Uprobes),
        ("[stack:42]", Name::Other(b"stack:42".to_vec())),
        ("[shadow]", Name::Other(b"shadow".to_vec())),
        ("anon_inode:[io_uring]", Name::Path { path: b"anon_inode:[io_uring]".to_vec(), deleted: false }),
        ("/a\\040b", Name::Path { path: b"/a\\040b".to_vec(), deleted: false }),
    ];
    for (column, name) in cases {
        let text = format!("1000-2000 rw-p 00000000 00:00 0 {column}\n");
        assert_eq!(maps::parse(text.as_bytes()).expect("valid")[0].name, name);
    }
}

#[test]
fn nothing_is_no_mappings() {
    assert_eq!(maps::parse(b""), Ok(Vec::new()));
}

#[test]
fn each_refusal_names_its_line() {
    let good = "1000-2000 rw-p 00000000 00:00 0 \n";
    let cases = [
        ("garbage\n", "maps line 2: bad address range: \"garbage\""),
        ("\n", "maps line 2: bad address range: \"\""),
        ("g000-3000 rw-p 0 0:0 0 \n", "maps line 2: bad start address: \"g000-3000 rw-p 0 0:0 0 \""),
        ("2000-+3000 rw-p 0 0:0 0 \n", "maps line 2: bad end address: \"2000-+3000 rw-p 0 0:0 0 \""),
        ("2000-3000 rwxq 0 0:0 0 \n", "maps line 2: bad permissions: \"2000-3000 rwxq 0 0:0 0 \""),
        ("2000-3000 rw- 0 0:0 0 \n", "maps line 2: bad permissions: \"2000-3000 rw- 0 0:0 0 \""),
        ("2000-3000 wr-p 0 0:0 0 \n", "maps line 2: bad permissions: \"2000-3000 wr-p 0 0:0 0 \""),
        ("2000-3000 rw-p x 0:0 0 \n", "maps line 2: bad offset: \"2000-3000 rw-p x 0:0 0 \""),
        ("2000-3000 rw-p 0 00 0 \n", "maps line 2: bad device: \"2000-3000 rw-p 0 00 0 \""),
        ("2000-3000 rw-p 0 0:100000000 0 \n", "maps line 2: bad device: \"2000-3000 rw-p 0 0:100000000 0 \""),
        ("2000-3000 rw-p 0 0:0 z \n", "maps line 2: bad inode: \"2000-3000 rw-p 0 0:0 z \""),
        ("2000-3000 rw-p 0 0:0 0\n", "maps line 2: bad inode: \"2000-3000 rw-p 0 0:0 0\""),
        ("2000-3000 rw-p 0 0:0 0 [heap\n", "maps line 2: bad name: \"2000-3000 rw-p 0 0:0 0 [heap\""),
        (
            "10000000000000000-20000000000000000 rw-p 0 0:0 0 \n",
            "maps line 2: bad start address: \"10000000000000000-20000000000000000 rw-p 0 0:0 0 \"",
        ),
        (
            "2000-2000 rw-p 0 0:0 0 \n",
            "maps line 2: range is empty, reversed or unaligned: \"2000-2000 rw-p 0 0:0 0 \"",
        ),
        (
            "3000-2000 rw-p 0 0:0 0 \n",
            "maps line 2: range is empty, reversed or unaligned: \"3000-2000 rw-p 0 0:0 0 \"",
        ),
        (
            "2000-2001 rw-p 0 0:0 0 \n",
            "maps line 2: range is empty, reversed or unaligned: \"2000-2001 rw-p 0 0:0 0 \"",
        ),
        (
            "2000-3000 rw-p 1 0:0 0 \n",
            "maps line 2: range is empty, reversed or unaligned: \"2000-3000 rw-p 1 0:0 0 \"",
        ),
        (
            "1000-2000 rw-p 0 0:0 0 \n",
            "maps line 2: overlaps or precedes the line before: \"1000-2000 rw-p 0 0:0 0 \"",
        ),
        ("2000-3000 rw-p 0 0:0 0 ", "maps line 2: cut off: \"2000-3000 rw-p 0 0:0 0 \""),
    ];
    for (bad, message) in cases {
        let error = maps::parse(format!("{good}{bad}").as_bytes()).expect_err(bad);
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_text_cut_anywhere_is_refused_or_ends_with_a_whole_line() {
    for cut in 0..ODD.len() {
        let text = &ODD[..cut];
        match maps::parse(text) {
            Ok(mappings) => {
                assert!(text.is_empty() || text.ends_with(b"\n"), "cut at {cut}: {}", mappings.len());
            }
            Err(error) => assert!(matches!(error, MapsError::Truncated { .. }), "cut at {cut}: {error}"),
        }
    }
}

fn any_name() -> impl Strategy<Value = Name> {
    // Linux refuses brackets, backslashes and unprintable characters in the names of anonymous memory.
    let label = "[a-zA-Z0-9 _.:-]{0,40}";
    let path = prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b' '), Just(b'/')], 0..60)
        .prop_map(|tail| [b"/", tail.as_slice()].concat())
        // Both texts are ambiguous in the file itself.
        .prop_filter("ambiguous", |path| {
            !path.ends_with(b" (deleted)") && !path.windows(4).any(|part| part == b"\\012")
        });
    prop_oneof![
        4 => Just(Name::Anonymous),
        1 => label.prop_map(|name| Name::NamedAnonymous(name.into_bytes())),
        1 => label.prop_map(|name| Name::NamedShmem(name.into_bytes())),
        1 => prop_oneof![
            Just(Name::Heap), Just(Name::Stack), Just(Name::Vvar), Just(Name::Vdso), Just(Name::Vsyscall),
            Just(Name::Uprobes),
        ],
        1 => "new[a-z]{0,8}".prop_map(|name| Name::Other(name.into_bytes())),
        4 => (path, any::<bool>()).prop_map(|(path, deleted)| Name::Path { path, deleted }),
    ]
}

prop_compose! {
    fn any_mapping()(
        gap in 0_u64..1 << 30,
        pages in 1_u64..1 << 20,
        perms in any::<[bool; 4]>(),
        offset in 0_u64..1 << 52,
        device in any::<(u32, u32)>(),
        inode in any::<u64>(),
        name in any_name(),
    ) -> (u64, u64, Mapping) {
        let [read, write, exec, shared] = perms;
        let mapping = Mapping {
            start: 0,
            end: 0,
            perms: Perms { read, write, exec, shared },
            offset: offset << 12,
            device: Device { major: device.0, minor: device.1 },
            inode,
            name,
        };
        (gap, pages, mapping)
    }
}

/// Lays the mappings one after the other, with gaps.
fn lay_out(parts: Vec<(u64, u64, Mapping)>) -> Vec<Mapping> {
    let mut at = 0x1000;
    parts
        .into_iter()
        .map(|(gap, pages, mut mapping)| {
            mapping.start = at + (gap << 12);
            mapping.end = mapping.start + (pages << 12);
            at = mapping.end;
            mapping
        })
        .collect()
}

proptest! {
    #[test]
    fn what_is_rendered_is_parsed(parts in prop::collection::vec(any_mapping(), 0..40)) {
        let mappings = lay_out(parts);
        prop_assert_eq!(maps::parse(&render_all(&mappings)), Ok(mappings));
    }

    #[test]
    fn two_lines_swapped_are_refused(
        parts in prop::collection::vec(any_mapping(), 2..20),
        first in any::<prop::sample::Index>(),
    ) {
        let mut mappings = lay_out(parts);
        let first = first.index(mappings.len() - 1);
        mappings.swap(first, first + 1);
        let refused = matches!(maps::parse(&render_all(&mappings)), Err(MapsError::Unordered { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn no_bytes_make_it_panic(text in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = maps::parse(&text);
    }

    #[test]
    fn a_changed_byte_never_loses_a_line(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut text = ODD.to_vec();
        let at = at.index(text.len());
        text[at] = byte;
        if let Ok(mappings) = maps::parse(&text) {
            prop_assert_eq!(mappings.len(), lines(&text));
        }
    }
}
