//! What pointers among the arguments lead to: structures of the kernel's, names of files, addresses.

use super::programs::{FIRST_FD, LAST_FD, Maker, Random};

impl Maker<'_> {
    /// The bytes of a structure, in hexadecimal digits.
    pub(super) fn structure(&mut self, word: &str) -> String {
        let far = 100_000 + self.random.below(1000);
        match word {
            "path" => {
                let path = *self.random.one(self.paths());
                bytes(path.as_bytes()) + "00"
            }
            "int" => words32(&[*self.random.one(&[0, 1, 2, 16, 100, 4096, 70_000])]),
            "off" => words64(&[*self.random.one(&[0, 5, 4096])]),
            "zerotime" => words64(&[0, 0]),
            "times" => words64(&[1_000_000 + far, 5, 2_000_000 + far, 7]),
            "itimer" => {
                let (interval, left) = *self.random.one(&[(0, 0), (0, far), (far, far), (far, 0)]);
                words64(&[interval, 0, left, 0])
            }
            "sigset" => words64(&[*self.random.one(&[0, 0x800, 0x200, 0x2200, !0])]),
            "sigaction" => {
                let handler = self.random.below(2); // SIG_DFL, SIG_IGN
                words64(&[
                    handler,
                    *self.random.one(&[0, 0x1000_0000, 2, 0x8000_0000]),
                    0,
                    self.random.below(9),
                ])
            }
            "siginfo" => words32(&[10, 0, (-1_i32).cast_unsigned(), 0, 0, 0]),
            "stack" => words64(&[0, *self.random.one(&[2, 0]), 1 << 14]),
            "sigevent" => words32(&[7, 0, *self.random.one(&[34, 35, 12]), *self.random.one(&[0, 1])]),
            "event" => {
                let events =
                    *self.random.one(&[0, 1, 4, 5, 0x8000_0001, 0x4000_0001, 0xc000_0005, 0x1000_0001]);
                words32(&[events, self.random.below(100) as u32, 0])
            }
            "pollfds" => {
                let fd = |random: &mut Random| (FIRST_FD + random.below(LAST_FD - FIRST_FD + 1)) as u32;
                words32(&[fd(&mut self.random), 5, fd(&mut self.random), 5])
            }
            "lock" => {
                // struct flock: type and whence, start, length, then no process.
                let kind = self.random.below(3);
                words64(&[kind, *self.random.one(&[0, 10]), *self.random.one(&[0, 1, 100]), 0])
            }
            "owner" => words32(&[self.random.below(3) as u32, 0]),
            // _LINUX_CAPABILITY_VERSION_3, of the caller.
            "capabilities" => words32(&[0x2008_0522, 0]),
            "zero" => words32(&[0]),
            "rlimit" => {
                let soft = *self.random.one(&[0, 64, 1000, 1 << 20, 1 << 30, u64::MAX]);
                words64(&[soft, *self.random.one(&[soft, u64::MAX, u64::MAX, 1 << 40])])
            }
            "cpus" => words64(&[*self.random.one(&[1, 2, 3, 0xff])]),
            "schedattr" => {
                let (policy, nice) = (*self.random.one(&[0, 3, 5]), self.random.below(20) as u32);
                words32(&[56, policy, 0, 0, nice, 0])
                    + &words64(&[*self.random.one(&[0, 3_000_000]), 0, 0, 0])
            }
            "how" => words64(&[
                *self.random.one(&[0, 1, 2, 0o102, 0o1002]) | 0o4000,
                0,
                *self.random.one(&[0, 8, 16]),
            ]),
            "xattr" => bytes(b"user.groundhog") + "00",
            "congestion" => bytes(b"reno"),
            "sockaddr" => self.address(),
            // No pieces.
            "mmsg" => words64(&[0; 8]),
            other => panic!("no such word: {other}"),
        }
    }

    fn address(&mut self) -> String {
        const LOOPBACK: [u8; 4] = [127, 0, 0, 1];
        match self.random.below(5) {
            0 => words64(&[0, 0]), // AF_UNSPEC
            1 => {
                let port = self.random.one(&[0_u16, 9, 40_000]).to_be_bytes();
                bytes(&[&[2, 0], port.as_slice(), &LOOPBACK, &[0; 8]].concat())
            }
            2 => bytes(b"\x01\0\0random-calls"),
            3 => bytes(b"\x01\0socket\0"),
            _ => bytes(&[&[10, 0], 9_u16.to_be_bytes().as_slice(), &[0; 19], &[1], &[0; 4]].concat()),
        }
    }

    fn paths(&self) -> &'static [&'static str] {
        const OF_THE_PROCESS: [&str; 13] = [
            "/proc/self/comm",
            "/proc/self/oom_score_adj",
            "/proc/self/timerslack_ns",
            "/proc/self/coredump_filter",
            "/proc/self/autogroup",
            "/proc/self/status",
            "/proc/self/fd/20",
            "/proc/self/fd/22",
            "/proc/self/fd/46",
            "/proc/self/fd/47",
            "/proc/self/fd/48",
            "/proc/self/fd",
            "/dev/null",
        ];
        const PRIVATE: [&str; 26] = [
            "named",
            "named",
            "link",
            "sub",
            "sub/0",
            "sub/1",
            "sub/new",
            "new",
            "new",
            "other",
            "new/in",
            ".",
            "..",
            "",
            "/proc/self/comm",
            "/proc/self/oom_score_adj",
            "/proc/self/fd/20",
            "/proc/self/fd/46",
            "/proc/self/fd/47",
            "/proc/self/fd/48",
            "/proc/self/fd/49",
            "/dev/null",
            "/dev/shm/new",
            "/nonexistent",
            "/proc/self/fd/45",
            "/proc/self/cwd/new",
        ];
        if self.generator.private_files { &PRIVATE } else { &OF_THE_PROCESS }
    }
}

fn bytes(of: &[u8]) -> String {
    of.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn words32(of: &[u32]) -> String {
    of.iter().map(|word| bytes(&word.to_le_bytes())).collect()
}

fn words64(of: &[u64]) -> String {
    of.iter().map(|word| bytes(&word.to_le_bytes())).collect()
}
