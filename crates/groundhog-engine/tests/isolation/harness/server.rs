//! The server that answers late, which is no part of the victim.

use crate::harness::workshop;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

/// It ends with its standard input, which ends with this.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    port: String,
    path: PathBuf,
}

impl Server {
    /// Listening.
    pub(crate) fn start() -> Self {
        let program = workshop::program("late");
        let mut command = Command::new(program);
        let name = format!("groundhog-late-{}-{:?}", std::process::id(), std::time::Instant::now());
        let path =
            std::env::temp_dir().join(name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-"));
        let mut child = command
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut port = String::new();
        let said = BufReader::new(child.stdout.take().expect("it is a pipe")).read_line(&mut port);
        assert!(said.expect("a line of text") > 1, "the server does not listen");
        let stdin = child.stdin.take();
        Self { child, stdin, port: port.trim().to_owned(), path }
    }

    /// What its victims are told.
    pub(crate) fn settings(&self) -> [(String, String); 2] {
        [
            ("GROUNDHOG_TRIAL_PORT".into(), self.port.clone()),
            ("GROUNDHOG_TRIAL_SOCKET".into(), self.path.to_string_lossy().into_owned()),
        ]
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ended = self.child.wait();
        let _never_made = std::fs::remove_file(&self.path);
    }
}
