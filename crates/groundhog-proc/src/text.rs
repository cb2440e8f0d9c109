//! What the parsers share: numbers as the kernel prints them, and lines made fit for an error message.

/// Longest part of an offending line that an error message repeats.
const QUOTED_BYTES: usize = 120;

/// Parses a whole token of decimal digits; signs, spaces and overflow are refused.
pub(crate) fn decimal(token: &[u8]) -> Option<u64> {
    number(token, 10)
}

/// Parses a whole token of small hexadecimal digits without prefix.
///
/// Written out because maps are parsed at every restore, and most of their digits are these.
pub(crate) fn hex(token: &[u8]) -> Option<u64> {
    if token.is_empty() || token.len() > 16 {
        return None;
    }
    let mut value = 0;
    for &byte in token {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        value = value << 4 | u64::from(digit);
    }
    Some(value)
}

/// Parses a whole token of octal digits.
pub(crate) fn octal(token: &[u8]) -> Option<u64> {
    number(token, 8)
}

/// Parses a whole token of decimal digits with an optional minus sign.
pub(crate) fn signed(token: &[u8]) -> Option<i64> {
    match token.strip_prefix(b"-") {
        Some(digits) => 0_i64.checked_sub_unsigned(decimal(digits)?),
        None => decimal(token)?.try_into().ok(),
    }
}

fn number(token: &[u8], base: u32) -> Option<u64> {
    if token.is_empty() {
        return None;
    }
    token.iter().try_fold(0_u64, |value, &byte| {
        let digit = char::from(byte).to_digit(base)?;
        value.checked_mul(u64::from(base))?.checked_add(u64::from(digit))
    })
}

/// Splits off everything before the first `separator`; the separator itself is dropped.
pub(crate) fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&byte| byte == separator)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

/// Splits off the first line, without its newline; eight bytes a step, for lines are long.
pub(crate) fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    let (words, _) = bytes.as_chunks::<8>();
    let word = words.iter().position(|word| {
        let differing = u64::from_ne_bytes(*word) ^ (ONES * u64::from(b'\n'));
        // Not zero exactly if one of the eight bytes is (Hacker's Delight, 6-1).
        differing.wrapping_sub(ONES) & !differing & HIGHS != 0
    });
    let from = word.unwrap_or(words.len()) * 8;
    let at = from + bytes[from..].iter().position(|&byte| byte == b'\n')?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

/// The line as an error message shows it: valid text, on one line, not too long.
pub(crate) fn quote(line: &[u8]) -> String {
    let shown = &line[..line.len().min(QUOTED_BYTES)];
    let dots = if shown.len() < line.len() { "..." } else { "" };
    format!("\"{}\"{dots}", shown.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_tokens() {
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(hex(b"ffffffffffffffff"), Some(u64::MAX));
        assert_eq!(octal(b"0022"), Some(0o22));
        assert_eq!(signed(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(signed(b"9223372036854775807"), Some(i64::MAX));
        for bad in [&b""[..], b" 1", b"1 ", b"+1", b"-1", b"0x1", b"18446744073709551616"] {
            assert_eq!(decimal(bad), None, "{bad:?}");
        }
        for bad in [&b"-"[..], b"", b"--1", b"9223372036854775808", b"-9223372036854775809"] {
            assert_eq!(signed(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn hexadecimal_is_what_the_kernel_writes() {
        for bad in [&b""[..], b"1F", b"0x1", b"-1", b" 1", b"g", b"00000000000000000", b"10000000000000000"] {
            assert_eq!(hex(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn lines_end_wherever_the_newline_is() {
        for length in 0..40 {
            assert_eq!(split_line(&vec![0x8a; length]), None);
            for at in 0..length {
                let mut bytes = vec![0x8a; length];
                bytes[at] = b'\n';
                bytes[length - 1] = b'\n';
                assert_eq!(split_line(&bytes), Some((&bytes[..at], &bytes[at + 1..])));
            }
        }
    }

    #[test]
    fn quoted_lines_are_short_and_printable() {
        assert_eq!(quote(b"a\nb\xff"), r#""a\nb\xff""#);
        assert_eq!(quote(&[b'x'; 200]), format!("\"{}\"...", "x".repeat(QUOTED_BYTES)));
    }
}
