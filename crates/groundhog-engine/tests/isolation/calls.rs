//! Random system calls, with random operations, on everything that a process has: in the process, in a thread or in a child.
//!
//! Every seed stands for one program of calls, generated from the policy. After each one the process is restored and
//! verified; either that is refused, or an observer outside sees what it saw right after the snapshot. What a failing
//! program leaves is reported with the fewest calls that still leave it.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `GROUNDHOG_CALL_PROGRAMS` | how many programs (default: as many as some seconds allow) |
//! | `GROUNDHOG_CALL_FIRST` | the seed of the first one (default 1) |
//! | `GROUNDHOG_CALL_VARIANTS` | how often each row of the policy is run by itself, with other arguments (default 1) |
//! | `GROUNDHOG_CALL_LINES` | only these programs, as a report has them |

mod observer;
mod programs;
mod shapes;
mod structures;

use crate::harness::{Heard, Start, Victim, nothing_like_it_here, strategies};
use groundhog_engine::{Error, JailOptions, Means, PolicyRow, Strategy, capabilities};
use observer::{Observer, Sight, differences};
use programs::{Generator, Program};
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// `nobody`, so that calls made as root do no harm.
const NOBODY: (u32, u32) = (65534, 65534);
/// How long the short run may take.
const SHORT: Duration = Duration::from_secs(5);
/// So many programs are run on the slowest machine.
const AT_LEAST: u64 = 50;
/// A program that has not answered by then waits for what never comes.
const PATIENCE: Duration = Duration::from_secs(2);
/// So many of the programs before a failing one are run with it, if it does not fail alone.
const HISTORY: usize = 100;
/// The connections of the victim, which stay ended once a program used one.
const CONNECTIONS: [&str; 2] = ["fd 34", "fd 35"];

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number")))
}

/// What victims are started with.
#[derive(Clone, Copy, Debug)]
struct Setting {
    strategy: Strategy,
    jailed: bool,
    /// The kernel tells of calls that change the layout or close descriptors.
    watched: bool,
}

impl Setting {
    /// All that work here.
    fn all(jailed: bool) -> Vec<Self> {
        let both = |strategy| [true, false].map(|watched| Self { strategy, jailed, watched });
        strategies().into_iter().flat_map(both).collect()
    }
}

/// The folder that a victim may write to.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("calls-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).expect("the temporary folder can be written to");
        let open_to_all = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(&folder, open_to_all).expect("the folder is ours");
        Self(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _shows = std::fs::remove_dir_all(&self.0);
    }
}

/// A victim with its snapshot, and what could be seen then.
struct Trial {
    setting: Setting,
    victim: Victim,
    before: Sight,
    /// What the calls of the last program answered, where that is told: not by a child.
    results: Vec<i64>,
    /// After the victim, which may write to it.
    #[allow(dead_code, reason = "it is removed when this is dropped")]
    folder: Scratch,
}

/// What became of a program.
#[derive(Debug)]
enum Outcome {
    /// The restore gave back all that can be seen.
    Same,
    /// The process was replaced: why.
    Replaced(String),
    /// A difference.
    Differs(Vec<String>),
}

impl Trial {
    fn begin(setting: Setting, observer: &Observer) -> Self {
        let (victim, folder) = Self::victim(setting);
        victim.snapshot();
        let before = observer.look(victim.tracee.pid());
        observer::assert_seen(&before);
        Self { setting, victim, before, folder, results: Vec::new() }
    }

    /// One without a snapshot, and its folder.
    fn victim(setting: Setting) -> (Victim, Scratch) {
        let folder = Scratch::new();
        let path = folder.0.to_str().expect("the temporary folder has a plain name");
        let arguments = [if setting.jailed { "jail" } else { "free" }, path];
        // Whatever it does to its standard error is not done to ours.
        let nowhere = std::fs::File::options().write(true).open("/dev/null").expect("/dev/null");
        let mut start = Start::of("random_calls", &arguments).descriptor(2, &nowhere);
        if rustix::process::geteuid().is_root() {
            start = start.becoming(NOBODY);
        }
        if setting.jailed {
            start = start.jailed(JailOptions {
                means: Means::Namespace,
                private: vec![folder.0.clone(), "/dev/shm".into()],
                most: (64 << 20, 10_000),
                own_network: false,
            });
        }
        if !setting.watched {
            start = start.unwatched();
        }
        (start.with(setting.strategy), folder)
    }

    /// Runs a program, restores, and looks.
    fn run(&mut self, program: &Program, observer: &Observer) -> Outcome {
        self.results.clear();
        let answered = match self.victim.ask_line(&program.to_string(), PATIENCE) {
            Heard::Line(answer) => {
                self.results = answer.split(' ').skip(1).filter_map(|result| result.parse().ok()).collect();
                true
            }
            // Stopped wherever it is, which a restore has to bear as well.
            Heard::Nothing => false,
            Heard::End => return Outcome::Replaced("it ended".into()),
        };
        match self.victim.try_restore() {
            Err(Error::Mismatch { difference, .. }) => {
                Outcome::Differs(vec![format!("verify: {difference}")])
            }
            Err(Error::RestoreRefused { message, .. }) => Outcome::Replaced(message),
            Err(error) => Outcome::Replaced(error.to_string()),
            Ok(report) => {
                let mut after = observer.look(self.victim.tracee.pid());
                if report.connections_shut > 0 {
                    self.accept_shut_connections(&mut after);
                }
                let found = differences(&self.before, &after);
                match (found.is_empty(), answered) {
                    (false, _) => Outcome::Differs(found),
                    (true, true) => Outcome::Same,
                    // It goes on, but what it waits for costs time.
                    (true, false) => Outcome::Replaced("it waits".into()),
                }
            }
        }
    }

    /// A connection that a program used is at its end from then on, for every later one.
    fn accept_shut_connections(&mut self, after: &mut Sight) {
        let is_connection = |name: &String| CONNECTIONS.iter().any(|start| name.starts_with(start));
        self.before.retain(|name, _| !is_connection(name));
        self.before.extend(
            after.iter().filter(|(name, _)| is_connection(name)).map(|(a, b)| (a.clone(), b.clone())),
        );
    }
}

/// The programs that still lead to a difference, with as few calls as possible, and the difference.
fn shrink(setting: Setting, observer: &Observer, history: &[Program]) -> (Vec<Program>, Vec<String>) {
    let fails = |programs: &[Program]| {
        let mut trial = Trial::begin(setting, observer);
        programs.iter().find_map(|program| match trial.run(program, observer) {
            Outcome::Differs(what) => Some(Some(what)),
            Outcome::Replaced(_) => Some(None),
            Outcome::Same => None,
        })?
    };
    let last = history.len() - 1;
    let mut kept = history[last..].to_vec();
    let Some(mut what) = fails(&kept).or_else(|| {
        kept = history.to_vec();
        fails(&kept)
    }) else {
        return (kept, vec!["not seen again in a fresh process".into()]);
    };
    // Whole programs first, then single calls.
    let mut size = kept.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at + size < kept.len() {
            let fewer = [&kept[..at], &kept[at + size..]].concat();
            match fails(&fewer) {
                Some(found) => (kept, what) = (fewer, found),
                None => at += size,
            }
        }
        size /= 2;
    }
    for program in 0..kept.len() {
        let mut call = 0;
        while call < kept[program].calls.len() {
            let mut fewer = kept.clone();
            fewer[program].calls[call] = programs::nothing();
            if let Some(found) = fails(&fewer) {
                (kept, what) = (fewer, found);
            }
            call += 1;
        }
        let mut plain = kept.clone();
        plain[program].place = "p".into();
        if let Some(found) = fails(&plain) {
            (kept, what) = (plain, found);
        }
    }
    (kept, what)
}

/// What became of many programs.
#[derive(Default)]
struct Tally {
    programs: u64,
    same: u64,
    replaced: BTreeMap<String, u64>,
    calls: BTreeSet<String>,
    succeeded: BTreeSet<String>,
}

impl Tally {
    fn note(&mut self, program: &Program, results: &[i64], outcome: &Outcome) {
        self.programs += 1;
        self.calls.extend(program.names().map(ToOwned::to_owned));
        let succeeded = program.names().zip(results).filter(|(_, result)| **result >= 0);
        self.succeeded.extend(succeeded.map(|(name, _)| name.to_owned()));
        match outcome {
            Outcome::Same => self.same += 1,
            Outcome::Replaced(why) => {
                *self.replaced.entry(without_numbers(why)).or_default() += 1;
            }
            Outcome::Differs(_) => {}
        }
    }

    fn text(&self) -> String {
        let mut replaced: Vec<_> = self.replaced.iter().collect();
        replaced.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let lines: Vec<String> = replaced.iter().map(|(why, count)| format!("  {count:6} {why}")).collect();
        format!(
            "{} programs of {} kinds of calls, of which {} succeeded; {} restored, the others replaced:\n{}",
            self.programs,
            self.calls.len(),
            self.succeeded.len(),
            self.same,
            lines.join("\n")
        )
    }
}

/// The programs of a report, one after the other; what the last one leaves.
fn run_again(setting: Setting, lines: &str) {
    let observer = Observer::new(setting.jailed);
    let mut trial = Trial::begin(setting, &observer);
    for line in lines.split(';') {
        let outcome = trial.run(&Program::parse(line), &observer);
        assert!(!matches!(outcome, Outcome::Differs(_)), "{setting:?}: {line}: {outcome:#?}");
        println!("{setting:?}: {line}: {outcome:?}");
    }
}

/// Runs all programs, each victim under the next setting.
fn run_all(jailed: bool) {
    let settings = Setting::all(jailed);
    if jailed && let Some(refusal) = capabilities().jail_refusal(Means::Namespace) {
        nothing_like_it_here(&refusal);
        return;
    }
    if let Ok(lines) = std::env::var("GROUNDHOG_CALL_LINES") {
        for setting in settings {
            run_again(setting, &lines);
        }
        return;
    }
    let mut settings = settings.into_iter().cycle();
    let mut next = || settings.next().expect("a strategy works here");
    let generator = Generator::new(jailed);
    let observer = Observer::new(jailed);
    let first = number("GROUNDHOG_CALL_FIRST").unwrap_or(1);
    let count = number("GROUNDHOG_CALL_PROGRAMS");
    let deadline = Instant::now() + SHORT;
    let mut tally = Tally::default();
    let mut history = Vec::new();
    let mut trial = Trial::begin(next(), &observer);
    // By what they leave, whatever the numbers in it.
    let mut findings: BTreeMap<String, u64> = BTreeMap::new();
    for seed in first.. {
        let done = seed - first;
        let enough = count.map_or(done >= AT_LEAST && Instant::now() > deadline, |count| done >= count);
        if enough {
            break;
        }
        if count.is_some() && done > 0 && done.is_multiple_of(1000) {
            println!("{done} programs so far, {} restored", tally.same);
        }
        let program = generator.program(seed);
        history.push(program.clone());
        let outcome = trial.run(&program, &observer);
        tally.note(&program, &trial.results, &outcome);
        match outcome {
            Outcome::Same => continue,
            Outcome::Replaced(_) => {}
            Outcome::Differs(left) => {
                let count = findings.entry(kind_of(&left)).or_default();
                *count += 1;
                if *count == 1 {
                    let from = history.len().saturating_sub(HISTORY);
                    let shrunk = shrink(trial.setting, &observer, &history[from..]);
                    // At once: many more may run after this one.
                    eprintln!("{}", finding(trial.setting, seed, &left, &shrunk));
                }
            }
        }
        history.clear();
        trial = Trial::begin(next(), &observer);
    }
    println!("{}", tally.text());
    assert!(findings.is_empty(), "programs leave something, see above: {findings:#?}");
    // Else the calls that make the process be replaced would hide what the others leave.
    assert!(tally.same * 3 > tally.programs, "most programs are refused: {}", tally.text());
}

/// Runs every row of the policy that is not pure by itself, in the process, or in a jail in a child; what is refused must answer
/// its error.
fn run_each(jailed: bool) {
    if jailed && let Some(refusal) = capabilities().jail_refusal(Means::Namespace) {
        nothing_like_it_here(&refusal);
        return;
    }
    let mut settings = Setting::all(jailed).into_iter().cycle();
    let mut next = || settings.next().expect("a strategy works here");
    let generator = Generator::new(jailed);
    let observer = Observer::new(jailed);
    let variants = number("GROUNDHOG_CALL_VARIANTS");
    let mut tally = Tally::default();
    let mut wrong: Vec<String> = Vec::new();
    let mut trial = Trial::begin(next(), &observer);
    for row in &generator.alone {
        let places: &[&str] = match (variants, jailed) {
            (Some(_), _) => &["p", "c", "t"],
            (None, false) => &["p"],
            // What is refused is so by the same seccomp program there, and so is what retires.
            (None, true) if row.class == "refused" || row.class == "retires" => &[],
            (None, true) => &["c"],
        };
        for (variant, place) in
            (0..variants.unwrap_or(1)).flat_map(|variant| places.iter().map(move |place| (variant, place)))
        {
            let program = generator.single(row, place, variant);
            let outcome = trial.run(&program, &observer);
            tally.note(&program, &trial.results, &outcome);
            // A child does not tell.
            if let (Some(expected), [result]) = (error_of(row), &trial.results[..])
                && *result != expected
                && *place != "c"
            {
                wrong.push(format!("{}: answered {result}, not {expected}", program.described()));
            }
            match outcome {
                Outcome::Same => continue,
                Outcome::Replaced(_) => {}
                Outcome::Differs(left) => {
                    wrong.push(format!("{:?}: {}\n{}", trial.setting, program.described(), left.join("\n")));
                }
            }
            trial = Trial::begin(next(), &observer);
        }
    }
    println!("{}", tally.text());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the call of a row answers that is refused whatever its arguments, as a negative number.
fn error_of(row: &PolicyRow) -> Option<i64> {
    // Of these only one option or flag is refused.
    const CONDITIONAL: [&str; 2] = ["getsockopt", "memfd_create"];
    let (begins, name) = row.answer.split_once(": ")?;
    if !begins.starts_with("refused from the ") || name.contains(';') || CONDITIONAL.contains(&row.call) {
        return None;
    }
    let errno = match name {
        "EAFNOSUPPORT" => Errno::AFNOSUPPORT,
        "EINVAL" => Errno::INVAL,
        "ENODEV" => Errno::NODEV,
        "ENOPROTOOPT" => Errno::NOPROTOOPT,
        "ENOSPC" => Errno::NOSPC,
        "ENOSYS" => Errno::NOSYS,
        "ENOTTY" => Errno::NOTTY,
        "EOPNOTSUPP" => Errno::OPNOTSUPP,
        "EPERM" => Errno::PERM,
        "EPROTONOSUPPORT" => Errno::PROTONOSUPPORT,
        other => panic!("{}: which error is {other}?", row.call),
    };
    Some((-errno.raw_os_error()).into())
}

/// What a difference is about, without its numbers.
fn kind_of(left: &[String]) -> String {
    let first_lines = left.iter().filter_map(|difference| difference.lines().next());
    let told: String = first_lines.collect::<Vec<_>>().join(" ");
    // Descriptors are known by their numbers, threads and addresses are not.
    if told.starts_with("fd ") { told } else { without_numbers(&told) }
}

/// Without words that hold numbers, of which no two are the same.
fn without_numbers(text: &str) -> String {
    let has_number = |word: &&str| word.contains(|letter: char| letter.is_ascii_digit());
    text.split(' ').filter(|word| !has_number(word)).collect::<Vec<_>>().join(" ")
}

fn finding(
    setting: Setting,
    seed: u64,
    first: &[String],
    (programs, left): &(Vec<Program>, Vec<String>),
) -> String {
    let described: Vec<String> = programs.iter().map(Program::described).collect();
    let lines: Vec<String> = programs.iter().map(ToString::to_string).collect();
    format!(
        "seed {seed} under {setting:?}:\n{}\n first left {}\n left {}\n GROUNDHOG_CALL_LINES='{}'",
        described.join("\n"),
        first.join("\n  "),
        left.join("\n  "),
        lines.join(";")
    )
}

#[test]
fn random_calls_leave_nothing_outside_of_a_jail() {
    run_all(false);
}

#[test]
fn random_calls_leave_nothing_in_a_jail() {
    run_all(true);
}

#[test]
fn every_row_by_itself_leaves_nothing_outside_of_a_jail() {
    run_each(false);
}

#[test]
fn every_row_by_itself_leaves_nothing_in_a_jail() {
    run_each(true);
}

/// The observer does see what programs do.
#[test]
fn random_calls_would_leave_something() {
    const TRIALS: u64 = 10;
    const PROGRAMS: u64 = 4;
    let setting = Setting::all(false)[0];
    let generator = Generator::new(setting.jailed);
    let observer = Observer::new(setting.jailed);
    let leaves = |trial: &u64| {
        let mut left = Trial::begin(setting, &observer);
        for seed in trial * PROGRAMS..(trial + 1) * PROGRAMS {
            if !matches!(left.victim.ask_line(&generator.program(seed).to_string(), PATIENCE), Heard::Line(_))
            {
                return true; // it has ended, or waits
            }
        }
        !differences(&left.before, &observer.look(left.victim.tracee.pid())).is_empty()
    };
    let seen = (0..TRIALS).filter(leaves).count() as u64;
    assert!(seen * 10 >= TRIALS * 9, "{seen} of {TRIALS} processes are seen to differ");
}
