//! Serves a function over `ActionLoop`, with seeds that no other request got.
//!
//! ```no_run
//! let mut server = groundhog::Server::new();
//! server.on_seed(|_| my_generators_seed_anew());
//! server.serve(|request| Ok::<_, std::fmt::Error>(format!("{{\"bytes\":{}}}", request.len())));
//! # fn my_generators_seed_anew() {}
//! ```
//!
//! After each request Groundhog reverts the process to its snapshot, and with it the state of every generator of random
//! numbers. Generators of Rust live in crates, or in variables of the function, where nothing finds them: what is not
//! seeded in [`Server::on_seed`] repeats in every request. What asks the kernel each time, as `OsRng` and `getrandom` do,
//! needs nothing.
//!
//! The thread-local generator of the crate `rand`, of which the ids of `uuid` with `fast-rng` are made, too, seeds itself
//! anew with `rand::rng().reseed()`, in the thread that calls it: each thread that lives since before the snapshot has
//! one of its own.
#![forbid(unsafe_code)]

use std::any::Any;
use std::error::Error;
use std::fmt::{self, Display, Write as _};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

/// How many bytes a seed has.
pub const SEED_BYTES: usize = 32;

/// What a hook returns that has failed.
pub type Failure = Box<dyn Error + Send + Sync>;

type Hook = Box<dyn FnMut() -> Result<(), Failure>>;
type Seeder = Box<dyn FnMut(&[u8; SEED_BYTES])>;

const SEED_AT: usize = 1; // "@" stands before it
const TOKEN_AT: usize = SEED_AT + 2 * (SEED_BYTES + TIME_BYTES);
const REQUEST_AT: usize = TOKEN_AT + 32;
const TIME_BYTES: usize = 8;
const CONTROL: &[u8] = br#"{"groundhog":"#;
const PREPARE: &[u8] = br#"{"groundhog":"prepare""#;
const FINISH: &[u8] = br#"{"groundhog":"finish""#;

/// What has to be done around a snapshot; it becomes a server of requests.
#[derive(Default)]
pub struct Server {
    seeders: Vec<Seeder>,
    before_snapshot: Vec<Hook>,
    before_restore: Vec<Hook>,
    after_restore: Vec<Hook>,
    /// The hooks after a restore have to run before the next request.
    due: bool,
}

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Server").field("due", &self.due).finish_non_exhaustive()
    }
}

impl Server {
    /// One without any hook.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Has a generator seeded before each request, and before the hooks.
    ///
    /// The seed is secret, and the same for all of one request: a generator whose numbers others see must not show it.
    pub fn on_seed(&mut self, seed: impl FnMut(&[u8; SEED_BYTES]) + 'static) -> &mut Self {
        self.seeders.push(Box::new(seed));
        self
    }

    /// Has something done before the snapshot, of several hooks the last one first: closing connections, say.
    ///
    /// If it fails, the function does not start.
    pub fn before_snapshot(&mut self, hook: impl FnMut() -> Result<(), Failure> + 'static) -> &mut Self {
        self.before_snapshot.push(Box::new(hook));
        self
    }

    /// Has something done after each response, before what the request left is reverted, of several hooks the last one
    /// first: sending what waits in a queue, say.
    ///
    /// If it fails, the log says so, and the process is reverted as ever.
    pub fn before_restore(&mut self, hook: impl FnMut() -> Result<(), Failure> + 'static) -> &mut Self {
        self.before_restore.push(Box::new(hook));
        self
    }

    /// Has something done once after each restore, before the next request, of several hooks the first one first.
    ///
    /// If it fails, the process ends: its state is not what it should be.
    pub fn after_restore(&mut self, hook: impl FnMut() -> Result<(), Failure> + 'static) -> &mut Self {
        self.after_restore.push(Box::new(hook));
        self
    }

    /// Answers requests until there are no more. Call it once everything is loaded, and return what it returns.
    ///
    /// The function gets a line of JSON, an object whose member "value" holds the parameters. What it returns is written
    /// as the answer: an object or an array of JSON, such as a `serde_json::Value`. An error's text becomes the caller's
    /// answer, and so does a panic's, where panics unwind.
    pub fn serve<Answer: Display, Wrong: Display>(
        &mut self,
        mut function: impl FnMut(&str) -> Result<Answer, Wrong>,
    ) -> ExitCode {
        match self.answer_all(&mut |request| answer(&mut function, request)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("groundhog: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn answer_all(&mut self, function: &mut dyn FnMut(&str) -> String) -> Result<(), Failure> {
        let mut requests =
            BufReader::new(private_input().map_err(|error| format!("no requests on descriptor 0: {error}"))?);
        // Opened anew, since safe code cannot take a number for a file. Another user's pipe cannot be.
        let mut answers = File::options().write(true).open("/proc/self/fd/3").map_err(|error| {
            format!("answers belong on descriptor 3, which cannot be opened: {error}; run it without --uid")
        })?;
        if std::env::var_os("OW_WAIT_FOR_ACK").is_some() {
            std::env::remove_var("OW_WAIT_FOR_ACK");
            answers.write_all(b"{\"ok\":true,\"groundhog\":1}\n")?;
        }
        let mut line = Vec::new();
        loop {
            line.clear();
            if requests.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            let mut text = self.take(&line, &mut answers, function)?;
            text.push('\n');
            answers.write_all(text.as_bytes())?;
        }
    }

    fn take(
        &mut self,
        line: &[u8],
        answers: &mut File,
        function: &mut dyn FnMut(&str) -> String,
    ) -> Result<String, Failure> {
        let (token, request) = if line.starts_with(b"@") {
            let digits = line.get(SEED_AT..TOKEN_AT).and_then(seed_of);
            let seed = digits.ok_or("what stands before a request is no seed")?;
            let token = line.get(TOKEN_AT..REQUEST_AT).ok_or("what stands before a request is too short")?;
            for one in &mut self.seeders {
                one(&seed);
            }
            self.resume(answers)?;
            (std::str::from_utf8(token)?, &line[REQUEST_AT..])
        } else {
            ("", line)
        };
        let mut text = if request.starts_with(PREPARE) {
            self.prepare()
        } else if request.starts_with(FINISH) {
            acknowledgement(call_all(&mut self.before_restore))
        } else if request.starts_with(CONTROL) {
            "{}".to_owned() // not for the function
        } else {
            function(std::str::from_utf8(request)?.trim_end_matches('\n'))
        };
        io::stdout().flush()?; // a line that was begun would be reverted
        text.push_str(token);
        Ok(text)
    }

    /// The hooks after a restore; the space says that they are done.
    fn resume(&mut self, answers: &mut File) -> Result<(), Failure> {
        if !std::mem::take(&mut self.due) {
            return Ok(()); // the next restore sets it again
        }
        for hook in &mut self.after_restore {
            if let Err(error) = hook() {
                let told = format!("{{\"groundhog\":\"hook\",\"error\":{}}}\n", quoted(&error.to_string()));
                answers.write_all(told.as_bytes())?;
                return Err(format!("a hook after the restore failed: {error}").into());
            }
        }
        Ok(answers.write_all(b" ")?)
    }

    fn prepare(&mut self) -> String {
        for hook in self.before_snapshot.iter_mut().rev() {
            if let Err(error) = hook() {
                return acknowledgement(Err(format!("a hook before the snapshot failed: {error}")));
            }
        }
        self.due = !self.after_restore.is_empty();
        format!(
            "{{\"ok\":true,\"hooks\":{},\"before_restore\":{}}}",
            self.due,
            !self.before_restore.is_empty()
        )
    }
}

/// The request pipe is moved off stdin, where the function and its children would read from it.
fn private_input() -> io::Result<File> {
    let requests = io::stdin().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(requests.into())
}

/// The random bytes, and the time upon some of them: clones of a machine may draw the same.
fn seed_of(digits: &[u8]) -> Option<[u8; SEED_BYTES]> {
    let mut seed = [0; SEED_BYTES];
    for (place, pair) in digits.chunks(2).enumerate() {
        let pair = std::str::from_utf8(pair).ok()?;
        seed[place % SEED_BYTES] ^= u8::from_str_radix(pair, 16).ok()?;
    }
    Some(seed)
}

/// All of them have their turn, the last one first.
fn call_all(hooks: &mut [Hook]) -> Result<(), String> {
    let wrong: Vec<String> =
        hooks.iter_mut().rev().filter_map(|hook| hook().err()).map(|error| error.to_string()).collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("; "))
    }
}

fn acknowledgement(done: Result<(), String>) -> String {
    match done {
        Ok(()) => "{\"ok\":true}".to_owned(),
        Err(error) => format!("{{\"ok\":false,\"error\":{}}}", quoted(&error)),
    }
}

/// The space after an error says that it was not returned.
fn answer<Answer: Display, Wrong: Display>(
    function: &mut impl FnMut(&str) -> Result<Answer, Wrong>,
    request: &str,
) -> String {
    match panic::catch_unwind(AssertUnwindSafe(|| function(request).map(|answer| answer.to_string()))) {
        // A line break stands between two values: within a text it would be escaped. A space at the end has a meaning.
        Ok(Ok(text)) => text.trim_end().replace('\n', " "),
        Ok(Err(error)) => failed(&error.to_string()),
        Err(thrown) => failed(text_of(thrown.as_ref())),
    }
}

fn text_of(thrown: &(dyn Any + Send)) -> &str {
    match thrown.downcast_ref::<&str>() {
        Some(text) => text,
        None => thrown.downcast_ref::<String>().map_or("a panic", String::as_str),
    }
}

fn failed(error: &str) -> String {
    format!("{{\"error\":{}}} ", quoted(error))
}

fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            '\n' => json.push_str("\\n"),
            control if control < ' ' => {
                let _ = write!(json, "\\u{:04x}", u32::from(control)); // a text takes all that is written
            }
            other => json.push(other),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::{quoted, seed_of};

    #[test]
    fn texts_are_quoted() {
        assert_eq!(quoted("said \"no\"\n\u{1}é\\"), r#""said \"no\"\n\u0001é\\""#);
    }

    #[test]
    fn a_seed_depends_on_every_byte() {
        let digits = "00".repeat(40);
        for at in 0..40 {
            let mut other = digits.clone();
            other.replace_range(2 * at..2 * at + 2, "a7");
            assert_ne!(seed_of(other.as_bytes()), seed_of(digits.as_bytes()), "byte {at}");
        }
        assert_eq!(seed_of(b"zz"), None);
    }
}
