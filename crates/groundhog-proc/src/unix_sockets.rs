//! `/proc/net/unix`: the Unix sockets of a network namespace, and the names of those that have one.

/// The absolute paths under which sockets can be met, in the order of the file.
///
/// Lines of other shapes are sockets without such a name, and the head of the table.
#[must_use]
pub fn paths(text: &[u8]) -> Vec<&[u8]> {
    const FIELDS: usize = 7;
    text.split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let mut rest = line;
            for _ in 0..FIELDS {
                let start = rest.iter().position(|byte| *byte != b' ')?;
                let length = rest[start..].iter().position(|byte| *byte == b' ')?;
                rest = &rest[start + length..];
            }
            rest.strip_prefix(b" ").filter(|path| path.starts_with(b"/"))
        })
        .collect()
}

/// A connected socket without a name, as each end of a pair is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nameless {
    /// Its inode number.
    pub inode: u64,
    /// `SOCK_STREAM`, `SOCK_DGRAM` or `SOCK_SEQPACKET`.
    pub kind: i32,
}

/// The connected sockets without a name, in the order of the file.
#[must_use]
pub fn nameless(text: &[u8]) -> Vec<Nameless> {
    const CONNECTED: &str = "03";
    let end = |line: &[u8]| {
        let line = str::from_utf8(line).ok()?;
        let fields: Vec<&str> = line.split(' ').filter(|field| !field.is_empty()).collect();
        let [_, _, _, _, kind, CONNECTED, inode] = fields[..] else { return None };
        Some(Nameless { inode: inode.parse().ok()?, kind: i32::from_str_radix(kind, 16).ok()? })
    };
    text.split(|byte| *byte == b'\n').filter_map(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"Num       RefCount Protocol Flags    Type St Inode Path\n\
            ffff: 00000002 00000000 00010000 0001 01 22091 /run/postgresql/.s.PGSQL.5432\n\
            ffff: 00000003 00000000 00000000 0001 03 14\n\
            ffff: 00000002 00000000 00010000 0001 01    91 /tmp/two words\n\
            ffff: 00000002 00000000 00010000 0001 01 92 @abstract\n\
            ffff: 00000002 00000000 00010000 0001 01 92 relative\n";

    #[test]
    fn only_sockets_with_paths_are_found() {
        assert_eq!(paths(TEXT), [b"/run/postgresql/.s.PGSQL.5432".as_slice(), b"/tmp/two words"]);
    }

    #[test]
    fn only_connected_sockets_without_a_name_are_ends_of_pairs() {
        let more =
            b"ffff: 00000003 00000000 00000000 0005 03 15\nffff: 00000003 00000000 00000000 0001 01 16\n\
            ffff: 00000003 00000000 00000000 0001 03 17 @\n";
        assert_eq!(
            nameless(&[TEXT, more].concat()),
            [Nameless { inode: 14, kind: 1 }, Nameless { inode: 15, kind: 5 }]
        );
    }
}
