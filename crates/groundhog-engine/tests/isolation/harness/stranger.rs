//! A victim that somebody else started, to be attached to.

use crate::harness::{Server, program};
use groundhog_engine::{Strategy, Tracee};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A program of ours that is not started by the engine.
pub(crate) struct Stranger {
    pub(crate) child: Child,
    answers: BufReader<std::process::ChildStdout>,
    _folder: Folder,
}

/// A folder for what it writes, in which nobody else does: it may watch it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("stranger-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).expect("a folder can be made");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left_by_others = std::fs::remove_dir_all(&self.0);
    }
}

impl Stranger {
    /// By the name of its source, with these arguments.
    pub(crate) fn start(name: &str, arguments: &[&str]) -> Self {
        Self::start_with(name, arguments, std::iter::empty())
    }

    /// With a server that it finds by its environment.
    pub(crate) fn talking_to(name: &str, server: &Server) -> Self {
        Self::start_with(name, &[], server.settings())
    }

    fn start_with(
        name: &str,
        arguments: &[&str],
        settings: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let folder = Folder::new();
        let mut command = Command::new("/bin/sh");
        // Its answers go to descriptor 3.
        command
            .args(["-c", "exec \"$0\" \"$@\" 3>&1"])
            .arg(program(name))
            .args(arguments)
            .envs(settings)
            .env("TMPDIR", &folder.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("a shell");
        let answers = BufReader::new(child.stdout.take().expect("it is a pipe"));
        let mut stranger = Self { child, answers, _folder: folder };
        assert_eq!(stranger.line(), "{\"ok\":true}\n");
        stranger
    }

    /// Attaches to it.
    pub(crate) fn traced(&self, strategy: Strategy) -> Tracee {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        Tracee::attach(pid, Some(strategy), true).unwrap_or_else(|error| panic!("{strategy}: {error}"))
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("a line of text");
        line
    }

    /// Sends a request and waits for the answer.
    pub(crate) fn ask(&mut self, number: u32) -> String {
        let requests = self.child.stdin.as_mut().expect("it is a pipe");
        writeln!(requests, "{{\"secret\":\"secret-{number:06}\"}}").expect("it reads requests");
        self.line()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _already_dead = self.child.kill();
        let _reaped = self.child.wait();
    }
}
