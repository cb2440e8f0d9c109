//! Random programs of maps, unmaps, protections, moves, breaks, writes, descriptors, threads, children and signals.
//!
//! Every seed stands for one program, which begins in the state of the snapshot. After each one the process is restored
//! and verified, and must then answer the same hashes of its memory, mappings, break, descriptors and signals as at the
//! snapshot, under every strategy; `copy`, which compares everything, is among them as the oracle.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `GROUNDHOG_MUTATION_PROGRAMS` | how many programs for each strategy (default: 1000, or fewer on a slow machine) |
//! | `GROUNDHOG_MUTATION_FIRST` | the seed of the first one (default 1) |
//! | `GROUNDHOG_MUTATION_SEED` | only this one |

use crate::harness::{Start, Victim, strategies};
use groundhog_engine::Strategy;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The kernel keeps some of what a program did (such as huge pages) for the next one, so that a difference may need
/// several: this many are run again when one is found.
const HISTORY: u64 = 50;

/// So many programs are run on the slowest machine.
const AT_LEAST: u64 = 50;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number")))
}

fn seeds() -> std::ops::Range<u64> {
    if let Some(seed) = number("GROUNDHOG_MUTATION_SEED") {
        return seed..seed + 1;
    }
    let first = number("GROUNDHOG_MUTATION_FIRST").unwrap_or(1);
    first..first + number("GROUNDHOG_MUTATION_PROGRAMS").unwrap_or(1000)
}

/// When to stop, unless it was said how many programs to run: an emulated machine is twenty times slower than a real one.
fn deadline() -> Option<Instant> {
    let counted = ["GROUNDHOG_MUTATION_PROGRAMS", "GROUNDHOG_MUTATION_SEED"];
    let counted = counted.iter().any(|variable| number(variable).is_some());
    (!counted).then(|| Instant::now() + Duration::from_secs(15))
}

/// A victim that has files to map, which are removed with it.
struct Mutant {
    victim: Victim,
    files: PathBuf,
}

impl Drop for Mutant {
    fn drop(&mut self) {
        /// As in `mutate.h`.
        const FILES: u32 = 3;
        for which in 0..FILES {
            let _never_made = std::fs::remove_file(format!("{}-{which}", self.files.display()));
        }
    }
}

fn start(strategy: Strategy, unwatched: bool) -> Mutant {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("mutate-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let files = std::env::temp_dir().join(name);
    let arguments = [files.to_str().expect("the temporary folder has a plain name")];
    let start = Start::of("mutate", &arguments);
    let victim = if unwatched { start.unwatched() } else { start }.with(strategy);
    Mutant { victim, files }
}

/// One with a snapshot, and its hashes.
fn begin(strategy: Strategy, unwatched: bool) -> (Mutant, String) {
    let mut mutant = start(strategy, unwatched);
    let victim = &mut mutant.victim;
    victim.snapshot();
    let hashes = victim.ask_for("hash");
    victim.restore();
    (mutant, hashes)
}

/// Runs one program; says what is wrong afterwards.
fn run(mutant: &mut Mutant, seed: u64, expected: &str) -> Result<(), String> {
    let victim = &mut mutant.victim;
    victim.ask_for(&format!("run-{seed}"));
    victim.try_restore().map_err(|error| error.to_string())?;
    let found = victim.ask_for("hash");
    if found == expected {
        return Ok(());
    }
    let pages = victim.ask_for("pages");
    let (fresh, _) = &mut begin(victim.tracee.strategy(), false);
    let differing = differing_pages(&fresh.victim.ask_for("pages"), &pages);
    Err(format!("expected {expected}\n   found {found}\nin pages {differing:?}"))
}

/// Which pages of the arena have other contents.
fn differing_pages(expected: &str, found: &str) -> Vec<usize> {
    let pages = expected.as_bytes().chunks(4).zip(found.as_bytes().chunks(4)).enumerate();
    pages.filter(|(_, (expected, found))| expected != found).map(|(page, _)| page).collect()
}

fn run_all(strategy: Strategy, unwatched: bool) -> String {
    let (mut mutant, expected) = begin(strategy, unwatched);
    let (seeds, deadline) = (seeds(), deadline());
    for seed in seeds.clone() {
        if seed - seeds.start >= AT_LEAST && deadline.is_some_and(|deadline| Instant::now() > deadline) {
            break;
        }
        if let Err(what) = run(&mut mutant, seed, &expected) {
            drop(mutant);
            panic!("{}", advice(strategy, unwatched, seed, seeds.start, &what));
        }
    }
    expected
}

/// How to see it again.
fn advice(strategy: Strategy, unwatched: bool, seed: u64, first: u64, what: &str) -> String {
    let fails_from = |first: u64| {
        let (mut mutant, expected) = begin(strategy, unwatched);
        (first..=seed).any(|seed| run(&mut mutant, seed, &expected).is_err())
    };
    let how = if fails_from(seed) {
        format!("GROUNDHOG_MUTATION_SEED={seed} runs it alone")
    } else {
        let first = first.max(seed.saturating_sub(HISTORY));
        let again = if fails_from(first) { "does it again" } else { "may do it again" };
        format!("GROUNDHOG_MUTATION_FIRST={first} {again}, the program alone does not")
    };
    format!("strategy {strategy}, unwatched: {unwatched}, seed {seed}: {what}\n{how}")
}

#[test]
fn random_programs_leave_nothing() {
    let hashes: Vec<String> = strategies().into_iter().map(|strategy| run_all(strategy, false)).collect();
    assert!(hashes.windows(2).all(|pair| pair[0] == pair[1]), "snapshots differ: {hashes:#?}");
}

#[test]
fn random_programs_leave_nothing_where_the_kernel_does_not_tell_of_calls() {
    run_all(strategies()[0], true);
}

/// The hashes do see what the programs do.
#[test]
fn random_programs_would_leave_something() {
    let programs = 10;
    let seen = (1..=programs).filter(|seed| {
        let mut mutant = start(strategies()[0], false);
        let victim = &mut mutant.victim;
        let before = victim.ask_for("hash");
        victim.ask_for(&format!("run-{seed}"));
        victim.ask_for("hash") != before
    });
    let seen = seen.count();
    assert!(seen * 10 >= programs as usize * 9, "{seen} of {programs} programs are seen");
}
