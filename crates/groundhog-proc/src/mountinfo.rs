//! `/proc/PID/mountinfo`: where file systems are mounted.

use crate::text::quote;

/// Why text is not a `mountinfo` file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("mountinfo: no mount point in {line}")]
pub struct MountinfoError {
    /// The line, quoted.
    line: String,
}

/// The mount points, in the order in which they were mounted, with the kernel's escapes undone.
///
/// # Errors
/// [`MountinfoError`] names the line that is not one of mountinfo.
pub fn mount_points(text: &[u8]) -> Result<Vec<Vec<u8>>, MountinfoError> {
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            // mount id, parent, device, root, mount point
            let field = line.split(|byte| *byte == b' ').nth(4);
            let point = field
                .filter(|field| field.starts_with(b"/"))
                .ok_or_else(|| MountinfoError { line: quote(line) })?;
            Ok(unescaped(point))
        })
        .collect()
}

/// Those of one kind of file system, likewise.
///
/// # Errors
/// As [`mount_points`].
pub fn mount_points_of(kind: &str, text: &[u8]) -> Result<Vec<Vec<u8>>, MountinfoError> {
    let of_kind = |line: &&[u8]| {
        // What is optional ends with a dash of its own; no other field is one.
        let mut fields = line.split(|byte| *byte == b' ').skip_while(|field| *field != b"-");
        fields.nth(1) == Some(kind.as_bytes())
    };
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').filter(of_kind).collect();
    mount_points(&lines.join(&b'\n'))
}

/// Space, tab, newline and backslash stand as three octal digits behind a backslash.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let digits = after
            .get(..3)
            .filter(|digits| *first == b'\\' && digits.iter().all(|d| matches!(d, b'0'..=b'7')));
        if let Some(digits) = digits {
            let code = digits.iter().fold(0_u32, |code, digit| code * 8 + u32::from(digit - b'0'));
            plain.push(code as u8);
            rest = &after[3..];
        } else {
            plain.push(*first);
            rest = after;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_found_and_their_escapes_undone() {
        let text = b"22 28 0:21 / /proc rw,relatime shared:5 - proc proc rw\n\
                     90 28 8:1 /a /mnt/two\\040words\\134 ro - ext4 /dev/sda1 rw\n";
        assert_eq!(mount_points(text).unwrap(), [b"/proc".to_vec(), b"/mnt/two words\\".to_vec()]);
    }

    #[test]
    fn mounts_of_one_kind_are_told_from_others() {
        let text = b"22 28 0:21 / /proc rw,relatime shared:5 - proc proc rw\n\
                     24 28 0:23 / /dev/pts rw shared:3 master:1 - devpts devpts rw\n\
                     25 28 0:24 / /mnt/devpts rw - tmpfs devpts rw\n";
        assert_eq!(mount_points_of("devpts", text).unwrap(), [b"/dev/pts".to_vec()]);
    }

    #[test]
    fn what_is_no_line_of_it_is_refused() {
        assert!(mount_points(b"22 28 0:21 / proc rw\n").is_err());
        assert!(mount_points(b"22 28\n").is_err());
    }
}
