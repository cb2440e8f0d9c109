//! Starting victims, speaking with them, and the two things that are asked of every one of them: that a restored one
//! answers like a fresh one, or that it is refused for the right reason.

mod kernel;
mod process;
mod server;
mod stranger;
mod victim;
mod workshop;

pub(crate) use kernel::{is_from, nothing_like_it_here, strategies};
pub(crate) use process::{is_alive, wait_until, wait_until_gone};
pub(crate) use server::Server;
pub(crate) use stranger::Stranger;
pub(crate) use victim::{Heard, Start, Victim};
pub(crate) use workshop::{compile_all, program};

use groundhog_engine::{Error, Reason, RestoreReport};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Requests for each victim: enough for pages to become hot, and for what is done by turns.
const ROUNDS: u32 = 7;
/// By this many requests without isolation, a victim must have seen its own leftovers.
const LEAKING_ROUNDS: u32 = 12;

/// Held by a test that keeps all processors busy, and by one whose very many calls have to be made within the limit of time: they
/// do not run beside each other.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As [`reverts`], for a victim that talks to a server; what the reports count as shut in all.
pub(crate) fn reverts_connected(name: &str, arguments: &[&str], keep: bool) -> Vec<u64> {
    let server = Server::start();
    let start = || Start::of(name, arguments).talking_to(&server);
    let mut plain = start().with(strategies()[0]);
    let first = plain.ask(1);
    assert!((2..=LEAKING_ROUNDS).any(|round| plain.ask(round) != first), "{name} {arguments:?} sees nothing");
    let counted = strategies().into_iter().map(|strategy| {
        let start = if keep { start().keep_connections() } else { start() };
        let reports = answers_stay_the_same(&mut start.with(strategy));
        reports.iter().map(|report| report.connections_shut).sum()
    });
    counted.collect()
}

/// Every answer after a restore equals the first one, and without restores it would not.
pub(crate) fn reverts(name: &str, arguments: &[&str]) {
    leaks_by_itself(name, arguments);
    for_each_strategy(name, arguments, |victim| drop(answers_stay_the_same(victim)));
}

/// The victim is able to see what it left: without restores, its answers change.
pub(crate) fn leaks_by_itself(name: &str, arguments: &[&str]) {
    let differs = sees_what_it_left(name, arguments);
    assert!(differs, "{name} {arguments:?} does not see what it left, so that it cannot test anything");
}

/// Whether its answers change without restores.
pub(crate) fn sees_what_it_left(name: &str, arguments: &[&str]) -> bool {
    let mut victim = Start::of(name, arguments).with(strategies()[0]);
    let first = victim.ask(1);
    (2..=LEAKING_ROUNDS).any(|round| victim.ask(round) != first)
}

/// Runs `body` with a fresh victim for every strategy.
pub(crate) fn for_each_strategy(name: &str, arguments: &[&str], mut body: impl FnMut(&mut Victim)) {
    for strategy in strategies() {
        let mut victim = Start::of(name, arguments).with(strategy);
        body(&mut victim);
    }
}

/// Takes the snapshot, then compares the answers of restored processes with the first one; returns all reports.
pub(crate) fn answers_stay_the_same(victim: &mut Victim) -> Vec<RestoreReport> {
    victim.snapshot();
    let first = victim.ask(1);
    let mut reports = Vec::new();
    for round in 2..=ROUNDS {
        reports.push(victim.restore());
        let answer = victim.ask(round);
        assert_eq!(answer, first, "{}: request {round} is not like the first one", victim.label());
    }
    reports
}

/// A restore puts back what was written, and not the large rest of the memory.
pub(crate) fn reverts_few_pages(name: &str) {
    leaks_by_itself(name, &[]);
    for_each_strategy(name, &[], |victim| {
        let reports = answers_stay_the_same(victim);
        let touched = reports.iter().map(|report| report.pages_dirty).max();
        assert!(touched < Some(1000), "{}: {touched:?} pages dirty", victim.label());
    });
}

/// The process is killed at the restore after a request, for this reason.
pub(crate) fn is_refused(name: &str, arguments: &[&str], expected: Reason) {
    is_refused_for_one_of(name, arguments, &[expected]);
}

/// Likewise, for any of these.
pub(crate) fn is_refused_for_one_of(name: &str, arguments: &[&str], expected: &[Reason]) {
    for_each_strategy(name, arguments, |victim| {
        victim.snapshot();
        victim.send(1);
        victim.wait_for_answer_or_end();
        expect_refusal_for_one_of(victim, expected);
    });
}

/// The restore of this victim is refused, and nothing of it is left.
pub(crate) fn expect_refusal(victim: &Victim, expected: Reason) {
    expect_refusal_for_one_of(victim, &[expected]);
}

fn expect_refusal_for_one_of(victim: &Victim, expected: &[Reason]) {
    match victim.tracee.restore(true) {
        Err(Error::RestoreRefused { reason, message, .. }) => {
            assert!(
                expected.contains(&reason),
                "{}: {reason:?}, not {expected:?}: {message}",
                victim.label()
            );
        }
        other => panic!("{}: expected {expected:?}, got {other:?}", victim.label()),
    }
    assert!(!is_alive(victim.tracee.pid()), "{}: refused, and still alive", victim.label());
}

/// No snapshot is taken, for such a reason, and the process runs on unharmed. One without what it is to be refused for
/// says so.
pub(crate) fn snapshot_is_refused(name: &str, arguments: &[&str], expected: impl Fn(Reason) -> bool) {
    for_each_strategy(name, arguments, |victim| {
        if victim.ask(1) == "absent" {
            nothing_like_it_here(victim.label());
            return;
        }
        match victim.tracee.snapshot() {
            Err(Error::SnapshotRefused { reason, message, .. }) => {
                assert!(expected(reason), "{}: {reason:?}: {message}", victim.label());
                victim.ask(2);
            }
            other => panic!("{}: {other:?}", victim.label()),
        }
    });
}
