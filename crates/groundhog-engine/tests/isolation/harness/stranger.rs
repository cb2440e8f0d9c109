//! A victim that somebody else started, to be attached to.

use crate::harness::{Server, program};
use groundhog_engine::{Strategy, Tracee};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

/// A program of ours that is not started by the engine.
pub(crate) struct Stranger {
    pub(crate) child: Child,
    answers: BufReader<std::process::ChildStdout>,
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
        let mut command = Command::new("/bin/sh");
        // Its answers go to descriptor 3.
        command
            .args(["-c", "exec \"$0\" \"$@\" 3>&1"])
            .arg(program(name))
            .args(arguments)
            .envs(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("a shell");
        let answers = BufReader::new(child.stdout.take().expect("it is a pipe"));
        let mut stranger = Self { child, answers };
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
