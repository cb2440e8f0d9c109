//! `/proc/net/unix`: sockets that have names.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sockets_with_paths_are_found() {
        let text = b"Num       RefCount Protocol Flags    Type St Inode Path\n\
            ffff: 00000002 00000000 00010000 0001 01 22091 /run/postgresql/.s.PGSQL.5432\n\
            ffff: 00000003 00000000 00000000 0001 03 14\n\
            ffff: 00000002 00000000 00010000 0001 01    91 /tmp/two words\n\
            ffff: 00000002 00000000 00010000 0001 01 92 @abstract\n\
            ffff: 00000002 00000000 00010000 0001 01 92 relative\n";
        assert_eq!(paths(text), [b"/run/postgresql/.s.PGSQL.5432".as_slice(), b"/tmp/two words"]);
    }
}
