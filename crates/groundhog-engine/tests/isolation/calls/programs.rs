//! Random programs of calls, generated from the policy.

use super::shapes::{Alone, LEFT_OUT, SHAPES};
use groundhog_engine::PolicyRow;
use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};

/// Numbers of the descriptors that the victim opens (see `random_calls.h`).
pub(super) const FIRST_FD: u64 = 20;
pub(super) const LAST_FD: u64 = 58;
const EPOLL_SETS: [u64; 2] = [43, 44];
/// Most calls of a program.
const MAX_CALLS: u64 = 8;
const PAGE: u64 = 4096;

/// One call, as the victim reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    name: String,
    text: String,
}

/// Where the calls are made: see `random_calls.c`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) place: String,
    pub(super) calls: Vec<Call>,
}

impl Display for Program {
    /// As the victim reads it.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        self.calls.iter().try_for_each(|call| write!(f, " {}", call.text))
    }
}

impl Program {
    /// As [`Display`] has it.
    pub(super) fn parse(line: &str) -> Self {
        let mut words = line.split(' ').map(ToOwned::to_owned);
        let place = words.next().expect("a place");
        Self { place, calls: words.map(|text| Call { name: "given".into(), text }).collect() }
    }

    /// For people: the names of the calls beside them.
    pub(super) fn described(&self) -> String {
        let calls: Vec<String> =
            self.calls.iter().map(|call| format!("    {}  ({})", call.text, call.name)).collect();
        format!("  {}\n{}", self.place, calls.join("\n"))
    }

    /// The names of its calls.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.calls.iter().map(|call| call.name.as_str())
    }
}

/// A call that does nothing, in the place of one that is left out, so that results keep their numbers.
pub(super) fn nothing() -> Call {
    const GETPPID: u32 = 110;
    Call { name: "nothing".into(), text: format!("{GETPPID}:") }
}

/// Numbers that look random (splitmix64).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What programs are made of.
pub(super) struct Generator {
    /// The rows of each call.
    calls: Vec<Vec<PolicyRow>>,
    /// Those that retire the process, which then shows nothing else.
    last: Vec<Vec<PolicyRow>>,
    /// Those that are made by themselves: of all that is not pure.
    pub(super) alone: Vec<PolicyRow>,
    shapes: HashMap<&'static str, &'static str>,
    /// What is written to files with a name is put back.
    pub(super) private_files: bool,
}

impl Generator {
    /// `private_files`: the process is in a jail.
    pub(super) fn new(private_files: bool) -> Self {
        let left_out = |row: &PolicyRow| {
            let whole = format!("{} {}", row.call, row.operation);
            let found = LEFT_OUT
                .iter()
                .find(|(names, ..)| names.contains(&row.call) || names.contains(&whole.as_str()));
            found.map(|(.., alone)| *alone)
        };
        let is_made_alone = |row: &PolicyRow| match left_out(row) {
            None | Some(Alone::Always) => row.class != "pure",
            Some(Alone::InJail) => private_files,
            Some(Alone::Never) => false,
        };
        let policy = groundhog_engine::policy();
        let alone = policy.iter().filter(|row| is_made_alone(row)).cloned().collect();
        let rows = policy.into_iter().filter(|row| left_out(row).is_none());
        let (last, rows): (Vec<_>, Vec<_>) =
            rows.partition(|row| row.class == "retires" && row.call != "setsockopt");
        let by_call = |rows: Vec<PolicyRow>| {
            rows.chunk_by(|one, other| one.number == other.number).map(<[PolicyRow]>::to_vec).collect()
        };
        let (last, calls) = (by_call(last), by_call(rows));
        Self { calls, last, alone, shapes: SHAPES.iter().copied().collect(), private_files }
    }

    /// One call of this row alone, made in a place.
    pub(super) fn single(&self, row: &PolicyRow, place: &str, seed: u64) -> Program {
        let mut maker = Maker { generator: self, random: Random(seed), focus: None, made: 0 };
        Program { place: place.into(), calls: vec![maker.call_of(row)] }
    }

    /// The program of a seed.
    pub(super) fn program(&self, seed: u64) -> Program {
        let mut maker = Maker { generator: self, random: Random(seed), focus: None, made: 0 };
        let closed = FIRST_FD + maker.random.below(LAST_FD - FIRST_FD + 1);
        let place = match maker.random.below(20) {
            0..8 => "p".into(),
            8..10 => "t".into(),
            10..12 => "s".into(),
            12..15 => "c".into(),
            15..17 => "k".into(),
            _ => {
                maker.focus = Some(closed);
                format!("d{closed}")
            }
        };
        if maker.focus.is_none() && maker.random.chance(50) {
            maker.focus = Some(closed);
        }
        let count = 1 + maker.random.below(MAX_CALLS);
        Program { place, calls: (0..count).map(|_| maker.call()).collect() }
    }
}

/// One program while it is made.
pub(super) struct Maker<'a> {
    pub(super) generator: &'a Generator,
    pub(super) random: Random,
    /// The descriptor that most calls of the program are about.
    focus: Option<u64>,
    made: u64,
}

impl Maker<'_> {
    fn call(&mut self) -> Call {
        let Generator { calls, last, .. } = self.generator;
        let calls = if self.random.below(200) == 0 { last } else { calls };
        // Each call as often as any other, whether it has many operations or one.
        let row = loop {
            let rows = self.random.one(calls);
            let row = self.random.one(rows);
            let percent = match row.class {
                // Most options retire the process.
                _ if row.call == "setsockopt" => 10,
                // The same seccomp program answers for all.
                "refused" => 10,
                // Terminals are not open.
                _ if row.operation.starts_with('T') && row.call == "ioctl" => 10,
                "pure" => 30,
                _ => 100,
            };
            if self.random.chance(percent) {
                break row;
            }
        };
        self.call_of(row)
    }

    fn call_of(&mut self, row: &PolicyRow) -> Call {
        let name = format!("{} {}", row.call, row.operation).trim_end().to_owned();
        let shape = self.generator.shapes.get(name.as_str()).or_else(|| self.generator.shapes.get(row.call));
        let words = shape.copied().unwrap_or("any any any any any any");
        let arguments: Vec<String> = split(words, ' ').iter().map(|word| self.argument(word, row)).collect();
        self.made += 1;
        Call { name, text: format!("{}:{}", row.number, arguments.join(",")) }
    }

    fn argument(&mut self, word: &str, row: &PolicyRow) -> String {
        if let Some(words) = word.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let words = split(words, ',');
            let chosen = (*self.random.one(&words)).to_owned();
            return self.argument(&chosen, row);
        }
        if let Some(bits) = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let bits: Vec<u64> = bits.split(',').map(number).collect();
            return hex(bits.iter().filter(|_| self.random.chance(40)).fold(0, |all, bit| all | bit));
        }
        if word.starts_with(|first: char| first.is_ascii_digit() || first == '-') {
            return hex(number(word));
        }
        self.value(word, row)
    }

    fn value(&mut self, word: &str, row: &PolicyRow) -> String {
        let values = row.values.unwrap_or_default();
        match word {
            "op" => hex(values.0.into()),
            "level" => hex(values.1.unwrap_or_default().into()),
            // Read and write ends, pairs and sockets, what is stored, timers.
            "pipe" => self.descriptor_among(&[20, 21, 22, 23, 55]),
            "socket" => {
                self.descriptor_among(&[24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 45, 57])
            }
            "file" => self.descriptor_among(&[46, 47, 48, 49, 50]),
            "timer" => self.descriptor_among(&[40, 41]),
            "anyfd" if self.random.chance(5) => hex(*self.random.one(&[0, 1, 3])),
            "newfd" => hex(61 + self.random.below(4)),
            "epoll" if self.random.chance(90) => hex(*self.random.one(&EPOLL_SETS)),
            "fd" | "anyfd" | "epoll" => self.descriptor(),
            "dir" if self.random.chance(70) => hex(number("-100")),
            "dir" => hex(*self.random.one(&[50, 56])),
            "pid" => (*self.random.one(&["P", "T", "C", "x0"])).into(),
            "ownpid" => "P".into(),
            "owntid" => (*self.random.one(&["T", "C", "P"])).into(),
            "small" => hex(self.random.below(9)),
            "len" => hex(*self.random.one(&[0, 1, 7, 64, 200, PAGE, 10_000])),
            "offset" => hex(*self.random.one(&[0, 1, 100, PAGE, 5000, 8 * PAGE, 16 * PAGE, 20 * PAGE])),
            "mode" => hex(*self.random.one(&[0, 0o400, 0o600, 0o644, 0o755, 0o4755])),
            "id" => hex(*self.random.one(&[0, 1, 65534, number("-1")])),
            "buf" => format!("b{:x}", self.random.below(4)),
            "addr" => format!("m{:x}+{:x}", self.random.below(6), self.random.below(16) * PAGE),
            "pages" => hex(*self.random.one(&[1, 1, 2, 3, 4, 8, 16]) * PAGE),
            "break" => format!("K+{:x}", *self.random.one(&[1, 4, 16]) * PAGE),
            "iov" => format!("v4+{:x}", *self.random.one(&[1, 30, 2000])),
            "msg" => format!("h+{:x}", *self.random.one(&[1, 30, 2000])),
            "map" => self.mapping_flags(),
            "open" => self.open_flags(),
            // MSG_DONTWAIT and MSG_NOSIGNAL, with others.
            "send" => {
                hex(0x4040 | *self.random.one(&[0, 0, 0, 1, 4, 0x80, 0x8000, 0x2000_0000, 0x0400_0000]))
            }
            "recv" => hex(0x40 | *self.random.one(&[0, 0, 1, 2, 0x20, 0x22, 0x2000, 0x4000_0000])),
            "sig" => hex(*self.random.one(&[0, 10, 12, 14, 17, 23, 26, 27, 28, 29, 34, 35])),
            "handled" => hex(*self.random.one(&[1, 2, 10, 12, 13, 14, 15, 17, 20, 23, 28, 29, 34, 35, 64])),
            "addrlen" => hex(*self.random.one(&[2, 16, 16, 28, 110])),
            "any" => {
                let word = *self.random.one(&["fd", "small", "buf", "len", "offset", "pid", "path", "addr"]);
                self.value(word, row)
            }
            structure => format!("w{}", self.structure(structure)),
        }
    }

    fn descriptor(&mut self) -> String {
        if self.made > 0 && self.random.chance(15) {
            return format!("r{:x}", self.random.below(self.made));
        }
        if let Some(focus) = self.focus
            && self.random.chance(60)
        {
            return hex(focus);
        }
        hex(FIRST_FD + self.random.below(LAST_FD - FIRST_FD + 1))
    }

    /// Mostly one of these.
    fn descriptor_among(&mut self, numbers: &[u64]) -> String {
        match self.focus {
            _ if self.random.chance(25) => self.descriptor(),
            Some(focus) if numbers.contains(&focus) && self.random.chance(60) => hex(focus),
            _ => hex(*self.random.one(numbers)),
        }
    }

    fn mapping_flags(&mut self) -> String {
        const FIXED: u64 = 0x10;
        let kind = *self.random.one(&[0x1, 0x2, 0x21, 0x22, 0x22, 0x28]);
        let others = *self.random.one(&[0, FIXED, FIXED, 0x100, 0x2000, 0x8000, 0x10_0000]);
        hex(kind | others)
    }

    fn open_flags(&mut self) -> String {
        const NONBLOCK_AND_NOCTTY: u64 = 0o4000 | 0o400;
        let access = self.random.below(3);
        let others =
            *self.random.one(&[0, 0, 0o100, 0o300, 0o1000, 0o2000, 0o200_000, 0o20_200_000, 0o10_000_000]);
        hex(NONBLOCK_AND_NOCTTY | access | others)
    }
}

/// Splits at separators that are not in brackets.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut depth = 0;
    let words = text.split(move |letter: char| {
        depth += i32::from(matches!(letter, '{' | '['));
        depth -= i32::from(matches!(letter, '}' | ']'));
        letter == separator && depth == 0
    });
    words.filter(|word| !word.is_empty()).collect()
}

pub(super) fn number(text: &str) -> u64 {
    let parsed = text.parse::<u64>().or_else(|_| text.parse::<i64>().map(i64::cast_unsigned));
    parsed.unwrap_or_else(|_| panic!("no number: {text}"))
}

fn hex(value: u64) -> String {
    format!("x{value:x}")
}
