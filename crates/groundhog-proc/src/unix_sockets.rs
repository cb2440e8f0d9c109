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

/// The inode numbers of all sockets, in the order of the file.
#[must_use]
pub fn inodes(text: &[u8]) -> Vec<u64> {
    const BEFORE: usize = 6;
    let inode = |line: &[u8]| {
        let mut fields = line.split(|byte| *byte == b' ').filter(|field| !field.is_empty());
        str::from_utf8(fields.nth(BEFORE)?).ok()?.parse().ok()
    };
    text.split(|byte| *byte == b'\n').filter_map(inode).collect()
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
    fn every_socket_has_an_inode_number() {
        assert_eq!(inodes(TEXT), [22091, 14, 91, 92, 92]);
    }
}
