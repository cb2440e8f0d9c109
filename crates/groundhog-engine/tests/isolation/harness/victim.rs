//! A victim at work: its pipes, its requests and its answers.

use crate::harness::{Server, wait_until, workshop};
use groundhog_engine::{
    JailOptions, RestoreReport, Result, SnapshotInfo, SpawnOptions, Strategy, Tracee, UsedConnections,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

/// How long to wait for an answer: much, for an emulated machine under load.
const PATIENCE: Duration = Duration::from_secs(20);

/// A victim that is to be started.
pub(crate) struct Start<'a> {
    name: &'a str,
    arguments: &'a [&'a str],
    extra: Vec<(i32, i32)>,
    unwatched: bool,
    connections: UsedConnections,
    jail: Option<JailOptions>,
    ids: Option<(u32, u32)>,
    server: Option<&'a Server>,
}

impl<'a> Start<'a> {
    /// By the name of its source.
    pub(crate) fn of(name: &'a str, arguments: &'a [&'a str]) -> Self {
        let extra = Vec::new();
        Self {
            name,
            arguments,
            extra,
            unwatched: false,
            connections: UsedConnections::Shut,
            jail: None,
            ids: None,
            server: None,
        }
    }

    /// With a descriptor of ours under this number.
    pub(crate) fn descriptor(mut self, there: i32, here: impl AsFd) -> Self {
        self.extra.push((there, here.as_fd().as_raw_fd()));
        self
    }

    /// Without the kernel's word on calls that change the layout.
    pub(crate) fn unwatched(mut self) -> Self {
        self.unwatched = true;
        self
    }

    /// Leaving connections open.
    pub(crate) fn keep_connections(mut self) -> Self {
        self.connections = UsedConnections::Kept;
        self
    }

    /// In a jail.
    pub(crate) fn jailed(mut self, jail: JailOptions) -> Self {
        self.jail = Some(jail);
        self
    }

    /// As another user and group, which only root can do.
    pub(crate) fn becoming(mut self, ids: (u32, u32)) -> Self {
        self.ids = Some(ids);
        self
    }

    /// With a server that it finds by its environment.
    pub(crate) fn talking_to(mut self, server: &'a Server) -> Self {
        self.server = Some(server);
        self
    }

    /// Starts it and waits until it is ready.
    pub(crate) fn with(self, strategy: Strategy) -> Victim {
        let (their_requests, requests) = std::io::pipe().expect("a pipe");
        let (answers, their_answers) = std::io::pipe().expect("a pipe");
        let nowhere = std::fs::File::options().write(true).open("/dev/null").expect("/dev/null");
        rustix::fs::fcntl_setfl(&answers, OFlags::NONBLOCK).expect("a pipe can be made non-blocking");
        let mut fds = vec![
            (0, their_requests.as_raw_fd()),
            (1, nowhere.as_raw_fd()),
            (2, 2),
            (3, their_answers.as_raw_fd()),
        ];
        fds.retain(|(there, _)| self.extra.iter().all(|(number, _)| number != there));
        fds.extend(self.extra);
        let mut argv = vec![workshop::program(self.name).into_os_string()];
        argv.extend(self.arguments.iter().map(Into::into));
        let drain = vec![duplicate(&answers), duplicate(&their_requests)];
        let options = SpawnOptions {
            argv,
            fds: Some(fds),
            drain,
            strategy: Some(strategy),
            unwatched: self.unwatched,
            connections: self.connections,
            jail: self.jail,
            ids: self.ids,
            trusted: true,
            env: self.server.map(|server| {
                let settings = server.settings().map(|(name, value)| (name.into(), value.into()));
                std::env::vars_os().chain(settings).collect()
            }),
            ..SpawnOptions::default()
        };
        let label = format!("{} {:?} ({strategy})", self.name, self.arguments);
        let tracee = Tracee::spawn(options).unwrap_or_else(|error| panic!("{label}: {error}"));
        let mut victim =
            Victim { tracee, label, requests, answers, asked: String::new(), unread: Vec::new() };
        assert_eq!(victim.answer(), r#"{"ok":true}"#, "{}", victim.label);
        victim
    }
}

fn duplicate(fd: &impl AsFd) -> OwnedFd {
    fd.as_fd().try_clone_to_owned().expect("a descriptor can be duplicated")
}

/// What came of waiting for a line.
pub(crate) enum Heard {
    Line(String),
    /// The process has ended.
    End,
    /// Nothing within the time.
    Nothing,
}

/// A victim that is ready, or that has a snapshot.
pub(crate) struct Victim {
    pub(crate) tracee: Tracee,
    label: String,
    requests: PipeWriter,
    answers: PipeReader,
    /// The request that was sent last.
    asked: String,
    unread: Vec<u8>,
}

impl Victim {
    /// Name, arguments and strategy, for messages.
    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// Takes the snapshot.
    pub(crate) fn snapshot(&self) -> SnapshotInfo {
        self.tracee.snapshot().unwrap_or_else(|error| panic!("{}: {error}", self.label))
    }

    /// Restores and verifies.
    pub(crate) fn restore(&mut self) -> RestoreReport {
        self.try_restore().unwrap_or_else(|error| panic!("{}: {error}", self.label))
    }

    /// Restores and verifies, if that can be done. What was written after the last answer is no answer.
    pub(crate) fn try_restore(&mut self) -> Result<RestoreReport> {
        let report = self.tracee.restore(true)?;
        assert!(report.verified, "{}: not verified", self.label);
        self.unread.clear();
        Ok(report)
    }

    /// Sends a request whose secret is made of `number`, and waits for the answer.
    pub(crate) fn ask(&mut self, number: u32) -> String {
        self.ask_for(&format!("secret-{number:06}"))
    }

    /// Sends a request with this secret, and waits for the answer.
    pub(crate) fn ask_for(&mut self, secret: &str) -> String {
        self.send_line(secret);
        self.answer()
    }

    /// Sends a line, and waits for one, not long.
    pub(crate) fn ask_line(&mut self, line: &str, patience: Duration) -> Heard {
        line.clone_into(&mut self.asked);
        match self.requests.write_all(format!("{line}\n").as_bytes()) {
            Ok(()) => self.hear(patience),
            Err(_) => Heard::End,
        }
    }

    /// Sends a request.
    pub(crate) fn send(&mut self, number: u32) {
        self.send_line(&format!("secret-{number:06}"));
    }

    fn send_line(&mut self, secret: &str) {
        secret.clone_into(&mut self.asked);
        let line = format!("{{\"secret\":\"{secret}\"}}\n");
        self.requests.write_all(line.as_bytes()).unwrap_or_else(|error| panic!("{}: {error}", self.label));
    }

    /// The next line.
    pub(crate) fn answer(&mut self) -> String {
        self.line().unwrap_or_else(|| {
            wait_until("word of the end", || self.tracee.ending().is_some());
            panic!("{}: no answer to {}: {:?}", self.label, self.asked, self.tracee.ending())
        })
    }

    /// How many bytes wait to be read as answers.
    pub(crate) fn unread(&self) -> u64 {
        rustix::io::ioctl_fionread(&self.answers).expect("a pipe tells what it holds")
            + self.unread.len() as u64
    }

    /// Waits for an answer, or for the end of a process that gives none.
    pub(crate) fn wait_for_answer_or_end(&mut self) {
        self.line();
    }

    /// The next line, or none at the end of the process.
    fn line(&mut self) -> Option<String> {
        match self.hear(PATIENCE) {
            Heard::Line(line) => Some(line),
            Heard::End => None,
            Heard::Nothing => panic!("{}: no answer to {} within {PATIENCE:?}", self.label, self.asked),
        }
    }

    fn hear(&mut self, patience: Duration) -> Heard {
        let patience = Timespec::try_from(patience).expect("a few seconds");
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Heard::Line(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            let exited = self.tracee.exit_fd().as_fd();
            let mut fds =
                [PollFd::new(&self.answers, PollFlags::IN), PollFd::from_borrowed_fd(exited, PollFlags::IN)];
            if poll(&mut fds, Some(&patience)).expect("polling a pipe and a pidfd") == 0 {
                return Heard::Nothing;
            }
            let ended = !fds[1].revents().is_empty();
            let mut buffer = vec![0; 64 * 1024];
            match self.answers.read(&mut buffer) {
                Ok(0) => return Heard::End,
                Ok(count) => self.unread.extend(&buffer[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock && !ended => {}
                Err(_) => return Heard::End,
            }
        }
    }
}
