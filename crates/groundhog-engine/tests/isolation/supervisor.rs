//! A supervisor that dies takes its processes along: pitfalls 18 and 20.

use crate::harness::{Start, strategies, wait_until_gone};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

const ROLE: &str = "GROUNDHOG_TEST_SUPERVISOR";

/// What the supervisor is doing when it is killed.
const MOMENTS: [&str; 4] = ["started", "snapshot", "request", "restoring"];

#[test]
fn killed_at_any_moment_it_leaves_nothing() {
    if let Ok(role) = std::env::var(ROLE) {
        return supervise(&role);
    }
    for strategy in strategies() {
        for kind in ["generations", "shared_memory", "vfork", "with_threads"] {
            for moment in MOMENTS {
                kill_supervisor(&format!("{strategy} {kind} {moment}"));
            }
        }
    }
}

/// Starts this test again as a supervisor, kills it, and waits for the end of all that it had started.
fn kill_supervisor(role: &str) {
    let test = "supervisor::killed_at_any_moment_it_leaves_nothing";
    let mut supervisor = Command::new(std::env::current_exe().expect("this executable"))
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .stdout(Stdio::piped())
        .spawn()
        .expect("this executable starts");
    let output = BufReader::new(supervisor.stdout.take().expect("it is a pipe"));
    let started = output.lines().map(|line| line.expect("text")).find_map(|line| {
        let (_, pids) = line.split_once("started: ")?;
        Some(pids.split_whitespace().map(|pid| pid.parse().expect("a process id")).collect::<Vec<i32>>())
    });
    supervisor.kill().expect("it runs");
    supervisor.wait().expect("it is ours");
    let started = started.unwrap_or_else(|| panic!("{role}: it says what it started"));
    assert!(!started.is_empty());
    started.into_iter().for_each(wait_until_gone);
}

/// Starts a victim, brings it to the moment, says which processes there are, and waits to be killed.
fn supervise(role: &str) {
    let [strategy, kind, moment] = role.split(' ').collect::<Vec<_>>()[..] else { panic!("{role}") };
    let mut victim = Start::of("families", &[kind]).with(strategy.parse().expect("a strategy"));
    let mut pids = victim.tracee.pid().to_string();
    if moment != "started" {
        victim.snapshot();
        if moment != "snapshot" {
            pids = format!("{pids} {}", victim.ask(1));
        }
    }
    println!("started: {pids}");
    std::io::stdout().flush().expect("it is a pipe");
    let mut round = 1;
    loop {
        if moment == "restoring" {
            victim.restore();
            round += 1;
            victim.ask(round);
        } else {
            std::thread::park();
        }
    }
}
