//! What a request leaves for other processes to read: until they have, its writer can tell how much that is.

use crate::harness::{Start, Victim, answers_stay_the_same, expect_refusal, strategies};
use groundhog_engine::{Reason, Strategy};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Another process, which has the receiving end alone.
struct Reader {
    process: Child,
    /// Where it is to be found.
    path: Option<PathBuf>,
}

impl Reader {
    fn start(program: &str, arguments: &[&str], end: OwnedFd) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::from(end)).stdout(Stdio::null());
        let process = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
        Self { process, path: None }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.process.kill().expect("it runs until it is killed");
        self.process.wait().expect("it was killed");
        if let Some(path) = &self.path {
            std::fs::remove_file(path).expect("it was made");
        }
    }
}

fn with_a_pipe(reader: (&str, &[&str]), strategy: Strategy, test: impl FnOnce(Victim)) {
    let (theirs, written) = std::io::pipe().expect("a pipe");
    let _reader = Reader::start(reader.0, reader.1, theirs.into());
    let start = Start::of("read_elsewhere", &["pipe"]).descriptor(9, &written);
    let victim = start.with(strategy);
    drop(written);
    test(victim);
}

/// All kernels note when it is read.
fn with_a_named_pipe(reader: (&str, &[&str]), strategy: Strategy, test: impl FnOnce(Victim)) {
    let path = std::env::temp_dir().join(format!("groundhog-pipe-{}-{strategy}", std::process::id()));
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0)
        .expect("a name that is free");
    let both = File::options().read(true).write(true).open(&path).expect("neither end waits for the other");
    let (theirs, written) = (File::open(&path), File::options().write(true).open(&path));
    std::fs::remove_file(&path).expect("it was made");
    let _reader = Reader::start(reader.0, reader.1, theirs.expect("somebody writes").into());
    let written = written.expect("somebody reads");
    drop(both);
    let victim = Start::of("read_elsewhere", &["pipe"]).descriptor(9, &written).with(strategy);
    drop(written);
    test(victim);
}

fn with_a_socket(reader: (&str, &[&str]), strategy: Strategy, test: impl FnOnce(Victim)) {
    let (_reader, victim) = reader_at_a_socket("datagrams", reader, strategy);
    test(victim);
}

/// It sends to whoever is named, too.
fn with_a_pair(reader: (&str, &[&str]), strategy: Strategy, test: impl FnOnce(Victim)) {
    let (_reader, victim) = reader_at_a_socket("pair", reader, strategy);
    test(victim);
}

fn reader_at_a_socket(kind: &str, reader: (&str, &[&str]), strategy: Strategy) -> (Reader, Victim) {
    static SOCKETS: AtomicU32 = AtomicU32::new(0);
    let number = SOCKETS.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("groundhog-reader-{}-{number}", std::process::id()));
    let bound = UnixDatagram::bind(&path).expect("a name that is free");
    let mut reader = Reader::start(reader.0, reader.1, bound.into());
    let name = path.to_str().expect("a name in UTF-8");
    let victim = Start::of("read_elsewhere", &[kind, name]).with(strategy);
    reader.path = Some(path);
    (reader, victim)
}

fn is_refused(victim: Victim) {
    victim.snapshot();
    let mut victim = victim;
    assert_eq!(victim.ask(1), "written", "{}", victim.label());
    expect_refusal(&victim, Reason::DescriptorChanged);
}

fn goes_on(victim: Victim) {
    let mut victim = victim;
    drop(answers_stay_the_same(&mut victim));
}

#[test]
fn what_others_read_is_gone() {
    for strategy in strategies() {
        with_a_pipe(("cat", &[]), strategy, goes_on);
        with_a_socket(("cat", &[]), strategy, goes_on);
        with_a_pair(("cat", &[]), strategy, goes_on);
    }
}

/// It reads a while after the answer, and the kernel notes when.
#[test]
fn what_others_read_late_does_not_show_in_times() {
    const LATE: (&str, &[&str]) =
        ("sh", &["-c", "while sleep 0.02; do dd bs=4096 count=1 status=none; done"]);
    for strategy in strategies() {
        with_a_pipe(LATE, strategy, goes_on);
        with_a_named_pipe(LATE, strategy, goes_on);
    }
}

/// With the first message after its end the kernel takes away where messages go.
#[test]
fn a_reader_that_has_ended_costs_the_process_that_writes_to_it() {
    for strategy in strategies() {
        let (reader, mut victim) = reader_at_a_socket("datagrams", ("sleep", &["60"]), strategy);
        victim.snapshot();
        drop(reader);
        victim.restore();
        assert_eq!(victim.ask(1), "nobody reads", "{}", victim.label());
        expect_refusal(&victim, Reason::DescriptorChanged);
    }
}

#[test]
fn what_others_leave_unread_costs_the_process() {
    for strategy in strategies() {
        with_a_pipe(("sleep", &["60"]), strategy, is_refused);
        with_a_socket(("sleep", &["60"]), strategy, is_refused);
        with_a_pair(("sleep", &["60"]), strategy, is_refused);
    }
}
