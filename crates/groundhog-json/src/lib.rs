//! What the supervisor has to know of JSON that it passes on: that it is JSON, and its outermost members.
//!
//! It makes nothing of the rest: objects take thirty times as much memory as their text, and a second for 60 MB.
#![forbid(unsafe_code)]

use serde::Deserializer as _;
use serde::de::{Deserialize, IgnoredAny, MapAccess, Visitor};
use serde_json::Deserializer;
use serde_json::de::StrRead;
use serde_json::value::RawValue;
use std::fmt;
use std::ops::Range;

/// Parsers of functions go so deep at least: Python's ends at 1,000, less what it is called from.
pub const MOST_NESTED: usize = 800;
/// Python reads no longer integers (`sys.int_info.default_max_str_digits`): a function could not.
pub const MOST_DIGITS: usize = 4300;

/// Why a text is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The byte at this offset is none of UTF-8.
    #[error("byte {0} is not UTF-8")]
    NotUtf8(usize),
    /// It stops being JSON; where and why.
    #[error("{0}")]
    Syntax(String),
    /// Arrays and objects within each other, more than [`MOST_NESTED`].
    #[error("it is nested too deeply")]
    Deep,
    /// More than [`MOST_DIGITS`] in a row.
    #[error("a number has more than {MOST_DIGITS} digits")]
    LongNumber,
}

/// What a text is as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An object with the one member `error`.
    Failure,
    /// Another object.
    Object,
    /// An array.
    Array,
    /// A number, a string, or one of the three words.
    Scalar,
}

/// A member of an object: its name, and where its value stands in the text.
pub type Member = (String, Range<usize>);

/// Checks all of a text; says what it is.
///
/// # Errors
///
/// It is no JSON, or parsers of functions would not take it.
pub fn kind(text: &[u8]) -> Result<Kind, Fault> {
    let text = utf8(text)?;
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'{') => {
            let is_failure = parse(text, |parser| parser.deserialize_map(OnlyError))?;
            Ok(if is_failure { Kind::Failure } else { Kind::Object })
        }
        first => {
            parse(text, |parser| IgnoredAny::deserialize(parser))?;
            Ok(if first == Some(&b'[') { Kind::Array } else { Kind::Scalar })
        }
    }
}

/// Checks all of a text, and finds the members of the object that it is; none if it is no object. Of names that come twice, the last
/// counts, as for most parsers.
///
/// # Errors
///
/// As of [`kind`]; a name that is no UTF-8.
pub fn members(text: &[u8]) -> Result<Option<Vec<Member>>, Fault> {
    let text = utf8(text)?;
    if !text.trim_ascii_start().starts_with('{') {
        parse(text, |parser| IgnoredAny::deserialize(parser))?;
        return Ok(None);
    }
    let found = parse(text, |parser| parser.deserialize_map(Members))?;
    let mut members: Vec<Member> = Vec::new();
    for (name, value) in found {
        let Ok(name) = String::from_utf8(name.0) else {
            return Err(Fault::Syntax("a name has half a surrogate pair".into()));
        };
        let start = value.get().as_ptr() as usize - text.as_ptr() as usize;
        let place = start..start + value.get().len();
        match members.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = place,
            None => members.push((name, place)),
        }
    }
    Ok(Some(members))
}

/// How many bytes the same JSON has in one line, whatever a runtime takes for the end of a line; none if it is one already.
///
/// Some take a carriage return for one, or a line separator of Unicode, as Node's readline does. Who could put one there could forge a
/// request, with another one's context. In JSON the first two are only between tokens, the others only in strings.
#[must_use]
pub fn line_len(text: &[u8]) -> Option<usize> {
    let (mut ends, mut len) = (0_usize, 0);
    for part in parts(text) {
        ends += usize::from(part.is_in_place_of_an_end);
        len += part.bytes.len();
    }
    (ends > 0).then_some(len)
}

/// Writes it in one line, of as many bytes as [`line_len`] says.
pub fn write_line(text: &[u8], line: &mut [u8]) {
    let mut at = 0;
    for Part { bytes, .. } in parts(text) {
        line[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    }
}

/// A part of a line.
struct Part<'a> {
    bytes: &'a [u8],
    is_in_place_of_an_end: bool,
}

/// What lies between ends of lines, and what stands in their places.
fn parts(text: &[u8]) -> impl Iterator<Item = Part<'_>> {
    const ENDS: [(&[u8], &[u8]); 5] = [
        (b"\n", b" "),
        (b"\r", b" "),
        ("\u{85}".as_bytes(), br"\u0085"),
        ("\u{2028}".as_bytes(), br"\u2028"),
        ("\u{2029}".as_bytes(), br"\u2029"),
    ];
    let may_begin_one = |byte: &u8| matches!(byte, b'\n' | b'\r' | 0xc2 | 0xe2);
    let mut rest = text;
    std::iter::from_fn(move || {
        if let Some((end, harmless)) = ENDS.into_iter().find(|(end, _)| rest.starts_with(end)) {
            rest = &rest[end.len()..];
            return Some(Part { bytes: harmless, is_in_place_of_an_end: true });
        }
        let (first, others) = rest.split_at_checked(1)?;
        let len = first.len() + others.iter().position(may_begin_one).unwrap_or(others.len());
        let (bytes, after) = rest.split_at(len);
        rest = after;
        Some(Part { bytes, is_in_place_of_an_end: false })
    })
}

fn utf8(text: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(text).map_err(|error| Fault::NotUtf8(error.valid_up_to()))
}

/// Refuses JSON, or the beginning of a text that is some, which is more than parsers of functions bear.
fn within_bounds(text: &str) -> Result<(), Fault> {
    let (mut depth, mut digits) = (0_usize, 0_usize);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        match byte {
            b'"' => skip_string(&mut bytes),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ if digits > MOST_DIGITS => return Err(Fault::LongNumber),
            _ => {}
        }
        if depth > MOST_NESTED {
            return Err(Fault::Deep);
        }
    }
    Ok(())
}

fn skip_string(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

fn parse<'a, T>(
    text: &'a str,
    take: impl FnOnce(&mut Deserializer<StrRead<'a>>) -> serde_json::Result<T>,
) -> Result<T, Fault> {
    let mut parser = Deserializer::from_str(text);
    let taken = take(&mut parser).and_then(|value| parser.end().map(|()| value));
    // Only of what is JSON: brackets in other text are nothing to a parser.
    within_bounds(taken.as_ref().err().map_or(text, |error| before(text, error)))?;
    taken.map_err(|error| Fault::Syntax(error.to_string()))
}

/// What stands before the place of an error.
fn before<'a>(text: &'a str, error: &serde_json::Error) -> &'a str {
    let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    let place = lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    text.get(..place).unwrap_or(text)
}

/// The name of a member: UTF-8, but for half surrogate pairs, which only an escape can carry.
struct MemberName(Vec<u8>);

impl<'de> Deserialize<'de> for MemberName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = MemberName;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a name")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<MemberName, E> {
                Ok(MemberName(bytes.to_vec()))
            }

            fn visit_str<E>(self, text: &str) -> Result<MemberName, E> {
                Ok(MemberName(text.as_bytes().to_vec()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// Whether an object has the one member `error`.
struct OnlyError;

impl<'de> Visitor<'de> for OnlyError {
    type Value = bool;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let (mut has_error, mut has_others) = (false, false);
        while let Some((name, _)) = map.next_entry::<MemberName, IgnoredAny>()? {
            if name.0 == b"error" {
                has_error = true;
            } else {
                has_others = true;
            }
        }
        Ok(has_error && !has_others)
    }
}

/// All members of an object, with their texts.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(MemberName, &'de RawValue)>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        while let Some(member) = map.next_entry::<MemberName, &RawValue>()? {
            found.push(member);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_text_is() {
        for (text, expected) in [
            (r#" {"error": 1}"#, Kind::Failure),
            (r#"{"error":1,"error":2}"#, Kind::Failure),
            (r#"{"err\u006fr":1}"#, Kind::Failure),
            (r#"{"error":1,"x":2}"#, Kind::Object),
            (r#"{"\ud800":"\udfff"}"#, Kind::Object),
            ("{}", Kind::Object),
            ("\n[1e999]\t", Kind::Array),
            ("null", Kind::Scalar),
            ("\"[\"", Kind::Scalar),
        ] {
            assert_eq!(kind(text.as_bytes()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_none() {
        for text in
            ["", " ", "{", "[1,]", "{}{}", "NaN", "[Infinity]", "01", "'a'", "{1:2}", "\"\n\"", "\u{feff}{}"]
        {
            assert!(matches!(kind(text.as_bytes()), Err(Fault::Syntax(_))), "{text}");
            assert!(matches!(members(text.as_bytes()), Err(Fault::Syntax(_))), "{text}");
        }
        assert_eq!(kind(b"[\"\xff\"]"), Err(Fault::NotUtf8(2)));
    }

    #[test]
    fn what_other_parsers_would_not_take() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(kind(nested(MOST_NESTED).as_bytes()), Ok(Kind::Array));
        assert_eq!(kind(nested(MOST_NESTED + 1).as_bytes()), Err(Fault::Deep));
        assert_eq!(kind(format!("[\"{}\"]", nested(5000)).as_bytes()), Ok(Kind::Array));
        assert_eq!(kind("1".repeat(MOST_DIGITS).as_bytes()), Ok(Kind::Scalar));
        assert_eq!(kind("1".repeat(MOST_DIGITS + 1).as_bytes()), Err(Fault::LongNumber));
        assert_eq!(kind(format!("\"{}\"", "1".repeat(5000)).as_bytes()), Ok(Kind::Scalar));
        // To the end of it, parsers go down.
        assert_eq!(kind("[".repeat(5000).as_bytes()), Err(Fault::Deep));
        assert_eq!(kind(format!("[\n{}", "[".repeat(5000)).as_bytes()), Err(Fault::Deep));
    }

    #[test]
    fn text_is_no_json_whatever_brackets_it_has() {
        for text in [format!("a {}", "[".repeat(5000)), format!("<p>\n{}", "{".repeat(5000))] {
            assert!(matches!(kind(text.as_bytes()), Err(Fault::Syntax(_))), "{text}");
        }
    }

    #[test]
    fn members_and_their_places() {
        let text = br#"{ "value": {"a": [1]} , "x":null, "value" : 7}"#;
        let found = members(text).expect("it is JSON").expect("it is an object");
        let shown: Vec<_> = found.iter().map(|(name, place)| (name.as_str(), &text[place.clone()])).collect();
        assert_eq!(shown, [("value", &b"7"[..]), ("x", b"null")]);
        assert_eq!(members(b"[1]"), Ok(None));
        assert!(matches!(members(br#"{"\ud800":1}"#), Err(Fault::Syntax(_))));
    }

    #[test]
    fn line_ends_of_all_kinds() {
        assert_eq!(line_len(b"{\"a\": \"\xc3\xa9\xe2\x82\xac\"}"), None);
        let text = "{\r\n\"a\":\"\u{85}x\u{2028}\u{2029}\u{20ac}\"}";
        let line = r#"{  "a":"\u0085x\u2028\u2029€"}"#;
        assert_eq!(one_line(text), line);
    }

    fn one_line(text: &str) -> String {
        let mut line = vec![0; line_len(text.as_bytes()).unwrap_or(text.len())];
        write_line(text.as_bytes(), &mut line);
        String::from_utf8(line).expect("it stays UTF-8")
    }

    proptest! {
        #[test]
        fn it_judges_as_the_whole_parser_does(text in r#"[\[\]{}:,"\\0-9eE+\-. \ntruefalsn]{0,30}"#) {
            prop_assert_eq!(kind(text.as_bytes()).is_ok(), serde_json::from_str::<serde_json::Value>(&text).is_ok()
                || serde_json::from_str::<IgnoredAny>(&text).is_ok());
            prop_assert_eq!(kind(text.as_bytes()).is_ok(), members(text.as_bytes()).is_ok());
        }

        #[test]
        fn lines_are_as_by_replacing(text in "[\r\n\u{85}\u{2028}\u{2029}\u{20ac}\u{a0}a]{0,20}") {
            let expected = text.replace(['\n', '\r'], " ").replace('\u{85}', r"\u0085").replace('\u{2028}', r"\u2028")
                .replace('\u{2029}', r"\u2029");
            prop_assert_eq!(one_line(&text), expected);
        }
    }
}
