//! `status`, `stat` and `children`: captured texts, refusals, and render-then-parse.

use groundhog_proc::status::{Caps, Ids};
use groundhog_proc::{children, stat, status};
use proptest::prelude::*;

const STATUS: &str = include_str!("samples/cpython.status");
const ODD_STATUS: &str = include_str!("samples/odd-name.status");
const ZOMBIE_STATUS: &str = include_str!("samples/zombie.status");
const STAT: &[u8] = include_bytes!("samples/cat.stat");
const ODD_STAT: &[u8] = include_bytes!("samples/odd-name.stat");

#[test]
fn a_captured_status_is_read() {
    let read = status::parse(STATUS.as_bytes()).expect("a captured sample");
    assert_eq!(read.name, b"python3");
    assert_eq!(read.umask, Some(0o022));
    assert_eq!((read.state, read.threads, read.tracer_pid), (b'R', 1, 0));
    assert_eq!(read.tgid, read.pid);
    assert_eq!(read.uid, Ids { real: 0, effective: 0, saved: 0, filesystem: 0 });
    assert_eq!(read.uid, read.gid);
    assert_eq!(read.groups, Vec::<u32>::new());
    assert_eq!(read.vm_lck, Some(0));
    assert_eq!((read.sigq, read.sigq_limit), (0, 96365));
    assert_eq!((read.sig_pnd, read.shd_pnd, read.sig_blk), (0, 0, 0));
    assert_eq!((read.sig_ign, read.sig_cgt), (0x0100_1000, 0x2));
    assert_eq!(
        read.caps,
        Caps {
            inheritable: 0,
            permitted: 0x1ff_feff_ffff,
            effective: 0x1ff_feff_ffff,
            bounding: 0x1ff_feff_ffff,
            ambient: 0
        }
    );
    assert!(!read.no_new_privs);
    assert_eq!((read.seccomp, read.seccomp_filters), (0, Some(0)));
}

#[test]
fn one_that_has_ended_has_less_to_tell() {
    let read = status::parse(ZOMBIE_STATUS.as_bytes()).expect("captured");
    assert_eq!((read.state, read.umask, read.vm_lck), (b'Z', None, None));
}

#[test]
fn a_name_cannot_forge_a_field() {
    // The process called itself "a) R (b" newline "c"; the kernel escapes the newline in status, not in stat.
    assert_eq!(status::parse(ODD_STATUS.as_bytes()).expect("captured").name, br"a) R (b\nc");
    let read = stat::parse(ODD_STAT).expect("a captured sample");
    assert_eq!((read.comm.as_slice(), read.state), (&b"a) R (b\nc"[..], b'R'));
}

#[test]
fn a_captured_stat_is_read() {
    let read = stat::parse(STAT).expect("a captured sample");
    assert_eq!((read.comm.as_slice(), read.num_threads, read.nice, read.priority), (&b"cat"[..], 1, 0, 20));
    assert_eq!((read.exit_signal, read.processor), (17, 1), "SIGCHLD");
    assert!(read.start_code < read.end_code && read.end_code < read.start_brk);
    assert!(read.start_brk < read.start_stack && read.start_stack < read.arg_start);
    assert!(read.arg_end <= read.env_start && read.env_start <= read.env_end);
}

#[test]
fn status_refusals_name_the_line() {
    let cases = [
        (STATUS.replace("TracerPid:\t0\n", ""), "status has no TracerPid"),
        (STATUS.replace("Threads:\t1\n", "Threads:\t-1\n"), "bad Threads: \"Threads:\\t-1\""),
        (STATUS.replace("Uid:\t0\t0\t0\t0\n", "Uid:\t0\t0\t0\n"), "bad Uid: \"Uid:\\t0\\t0\\t0\""),
        (STATUS.replace("SigBlk:\t0", "SigBlk:\tx"), "bad SigBlk: \"SigBlk:\\tx000000000000000\""),
        (STATUS.replace("NoNewPrivs:\t0", "NoNewPrivs:\t2"), "bad NoNewPrivs: \"NoNewPrivs:\\t2\""),
        (format!("{STATUS}Pid:\t1\n"), "Pid comes twice: \"Pid:\\t1\""),
        (STATUS.trim_end().to_owned(), "cut off: \"nonvoluntary_ctxt_switches:"),
    ];
    for (text, message) in cases {
        let error = status::parse(text.as_bytes()).expect_err(message).to_string();
        assert!(error.contains(message), "{error:?} does not say {message:?}");
    }
}

#[test]
fn status_of_older_kernels_and_of_zombies_lacks_lines() {
    let text = STATUS.replace("Seccomp_filters:\t0\n", "").replace("VmLck:\t       0 kB\n", "");
    let read = status::parse(text.as_bytes()).expect("both lines are optional");
    assert_eq!((read.seccomp_filters, read.vm_lck), (None, None));
}

#[test]
fn stat_refusals_name_the_field() {
    let text = String::from_utf8(STAT.to_vec()).expect("text");
    let cases = [
        (String::new(), "stat: bad process id or command name: \"\""),
        ("12 cat R\n".to_owned(), "stat: bad process id or command name: \"12 cat R\\n\""),
        ("-1 (cat) R\n".to_owned(), "stat: bad process id or command name: \"-1 (cat) R\\n\""),
        ("12 (cat) R 1 2\n".to_owned(), "stat: cut off after field 5: \"12 (cat) R 1 2\\n\""),
        (text.replace(" R ", " RS "), "stat: field 3 is not a number of its kind: "),
        (text.replacen("20 0 1", "20 0 one", 1), "stat: field 20 is not a number of its kind: "),
        (text.trim_end().to_owned(), "stat: cut off after field 52: "),
    ];
    for (text, message) in cases {
        let error = stat::parse(text.as_bytes()).expect_err(message).to_string();
        assert!(error.starts_with(message), "{error:?} does not begin with {message:?}");
    }
}

#[test]
fn stat_cut_anywhere_is_refused() {
    for cut in 0..STAT.len() {
        assert!(stat::parse(&STAT[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn children_are_numbers_each_with_a_blank() {
    assert_eq!(children::parse(b""), Ok(vec![]));
    assert_eq!(children::parse(b"7 12 4194304 "), Ok(vec![7, 12, 4_194_304]));
    let cases: [(&[u8], &str); 5] = [
        (b"7 12", "children: cut off: \"7 12\""),
        (b"7 x ", "children: \"x\" is not a process id: \"7 x \""),
        (b"7  8 ", "children: \"\" is not a process id: \"7  8 \""),
        (b"0 ", "children: \"0\" is not a process id: \"0 \""),
        (b"4294967296 ", "children: \"4294967296\" is not a process id: \"4294967296 \""),
    ];
    for (text, message) in cases {
        assert_eq!(children::parse(text).expect_err(message).to_string(), message);
    }
}

proptest! {
    #[test]
    fn children_come_back(ids in prop::collection::vec(1_u32.., 0..50)) {
        let text = ids.iter().fold(String::new(), |text, id| text + &id.to_string() + " ");
        prop_assert_eq!(children::parse(text.as_bytes()), Ok(ids));
    }

    #[test]
    fn any_command_name_comes_back(
        comm in prop::collection::vec(1_u8.., 0..15),
        pid in 1_u32..,
        numbers in prop::collection::vec(0_u32.., 49),
    ) {
        let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
        let mut text = format!("{pid} (").into_bytes();
        text.extend_from_slice(&comm);
        text.extend_from_slice(format!(") S {}\n", numbers.join(" ")).as_bytes());
        let read = stat::parse(&text).expect("as the kernel writes it");
        prop_assert_eq!((read.pid, read.comm, read.state), (pid, comm, b'S'));
        // Field N of the manual page is number N - 4 here, from 0.
        prop_assert_eq!(read.ppid.to_string(), numbers[0].as_str());
        prop_assert_eq!(read.num_threads.to_string(), numbers[16].as_str());
        prop_assert_eq!(read.start_time.to_string(), numbers[18].as_str());
        prop_assert_eq!(read.start_brk.to_string(), numbers[43].as_str());
        prop_assert_eq!(read.exit_code.to_string(), numbers[48].as_str());
    }

    #[test]
    fn masks_and_ids_come_back(mask in any::<u64>(), ids in any::<[u32; 4]>(), groups in any::<Vec<u32>>()) {
        let groups_text = groups.iter().fold(String::new(), |text, id| text + &id.to_string() + " ");
        let [real, effective, saved, filesystem] = ids;
        let text = STATUS
            .replace("SigCgt:\t0000000000000002\n", &format!("SigCgt:\t{mask:016x}\n"))
            .replace("Uid:\t0\t0\t0\t0\n", &format!("Uid:\t{real}\t{effective}\t{saved}\t{filesystem}\n"))
            .replace("Groups:\t \n", &format!("Groups:\t{groups_text}\n"));
        let read = status::parse(text.as_bytes()).expect("as the kernel writes it");
        prop_assert_eq!(read.sig_cgt, mask);
        prop_assert_eq!(read.uid, Ids { real, effective, saved, filesystem });
        prop_assert_eq!(read.groups, groups);
    }

    #[test]
    fn no_bytes_make_them_panic(text in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = (status::parse(&text), stat::parse(&text), children::parse(&text));
    }
}
