//! `/proc/PID/mountinfo`: where file systems are mounted.

use crate::text::quote;

/// Why text is not a `mountinfo` file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("mountinfo: no mount in {line}")]
pub struct MountinfoError {
    /// The line, quoted.
    line: String,
}

/// Where something is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The number of the mount.
    pub id: u64,
    /// Its place, with the kernel's escapes undone.
    pub point: Vec<u8>,
}

/// All mounts, in the order in which they were made.
///
/// # Errors
/// [`MountinfoError`] names the line that is not one of mountinfo.
pub fn mounts(text: &[u8]) -> Result<Vec<Mount>, MountinfoError> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| mount(line).ok_or_else(|| MountinfoError { line: quote(line) })).collect()
}

/// A line begins with: mount id, parent, device, root, mount point.
fn mount(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let id = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let point = fields.nth(3).filter(|field| field.starts_with(b"/"))?;
    Some(Mount { id, point: unescaped(point) })
}

/// Those of one kind of file system, likewise.
///
/// # Errors
/// As [`mounts`].
pub fn mounts_of(kind: &str, text: &[u8]) -> Result<Vec<Mount>, MountinfoError> {
    let of_kind = |line: &&[u8]| {
        // What is optional ends with a dash of its own; no other field is one.
        let mut fields = line.split(|byte| *byte == b' ').skip_while(|field| *field != b"-");
        fields.nth(1) == Some(kind.as_bytes())
    };
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').filter(of_kind).collect();
    mounts(&lines.join(&b'\n'))
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
        let [first, second] = [(22, b"/proc".to_vec()), (90, b"/mnt/two words\\".to_vec())]
            .map(|(id, point)| Mount { id, point });
        assert_eq!(mounts(text).unwrap(), [first, second]);
    }

    #[test]
    fn mounts_of_one_kind_are_told_from_others() {
        let text = b"22 28 0:21 / /proc rw,relatime shared:5 - proc proc rw\n\
                     24 28 0:23 / /dev/pts rw shared:3 master:1 - devpts devpts rw\n\
                     25 28 0:24 / /mnt/devpts rw - tmpfs devpts rw\n";
        assert_eq!(mounts_of("devpts", text).unwrap(), [Mount { id: 24, point: b"/dev/pts".to_vec() }]);
    }

    #[test]
    fn what_is_no_line_of_it_is_refused() {
        assert!(mounts(b"22 28 0:21 / proc rw\n").is_err());
        assert!(mounts(b"22 28\n").is_err());
        assert!(mounts(b"a 28 0:21 / /proc rw\n").is_err());
    }
}
