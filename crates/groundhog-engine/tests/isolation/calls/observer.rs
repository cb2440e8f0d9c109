//! What can be seen of a process from outside, as text: what the kernel tells under `/proc`, and what its descriptors tell
//! through duplicates. Contents of memory are compared by the engine's own verify.

use groundhog_engine::PolicyRow;
use groundhog_sys::fcntl::FileType;
use groundhog_sys::{Tid, fcntl, pidfd, queue, scheduling, socket};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Beginnings of lines of `status` that the kernel changes without a call that says so.
const PASSING_STATUS: [&str; 7] = [
    // What is resident: the engine gives pages back, and the kernel takes some. What is locked stands in `VmLck`.
    "Vm",
    "Rss",
    // Whether it runs, or has just been stopped.
    "State:",
    "voluntary_ctxt_switches:",
    "nonvoluntary_ctxt_switches:",
    // Of all processes of its user.
    "SigQ:",
    // The room in its table of descriptors, which grows with the highest number ever used and never shrinks.
    "FDSize:",
];
/// Of these, what only calls change.
const LASTING_STATUS: &str = "VmLck:";
/// Files under `/proc/PID`.
const FILES: [&str; 8] = [
    "maps",
    "limits",
    "timers",
    "oom_score_adj",
    "coredump_filter",
    "personality",
    "timerslack_ns",
    "autogroup",
];
/// Files under `/proc/PID/task/TID`.
const FILES_OF_THREADS: [&str; 2] = ["comm", "children"];
/// `AF_UNIX`, and levels of options.
const AF_UNIX: i32 = 1;
const SOL_SOCKET: u32 = 1;
const MAX_WAITING: usize = 1 << 20;
/// The clock of a connection, which goes on.
const TCP_TIMESTAMP: (u32, u32) = (6, 24);

const FLAGS: &str = "flags of mappings";
/// What is told of what cannot be looked at.
const NOT_DUPLICATED: &str = "cannot be duplicated";
const NO_STAT: &str = "no stat";
const NO_SOCKET: &str = "no socket";

/// A line for each thing that can be told, by its name.
pub(super) type Sight = BTreeMap<String, String>;

/// Who looks.
pub(super) struct Observer {
    /// Levels and names of the options that can be set.
    options: Vec<(u32, u32, String)>,
    /// Files with names are the process's own.
    pub(super) private_files: bool,
}

impl Observer {
    pub(super) fn new(private_files: bool) -> Self {
        let option = |row: PolicyRow| match row.values {
            Some((name, Some(level))) if row.call == "setsockopt" && (level, name) != TCP_TIMESTAMP => {
                Some((level, name, row.operation))
            }
            _ => None,
        };
        Self { options: groundhog_engine::policy().into_iter().filter_map(option).collect(), private_files }
    }

    /// Everything.
    pub(super) fn look(&self, pid: i32) -> Sight {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let mut sight = Sight::new();
        for file in FILES {
            sight.insert(file.into(), read(&folder.join(file)));
        }
        sight.insert(FLAGS.into(), flags_of_mappings(&read(&folder.join("smaps"))));
        for link in ["cwd", "root", "exe"] {
            sight.insert(link.into(), link_of(&folder.join(link)));
        }
        for task in list(&folder.join("task")) {
            look_at_thread(&folder.join("task").join(task.to_string()), task, &mut sight);
        }
        let pidfd = pidfd::open(Tid(pid)).expect("the process lives");
        for number in list(&folder.join("fd")) {
            self.look_at_descriptor(&folder, &pidfd, number, &mut sight);
        }
        sight
    }

    #[expect(clippy::disallowed_methods, reason = "it is outside of the engine, which does not see it")]
    fn look_at_descriptor(&self, folder: &Path, pidfd: &OwnedFd, number: i32, sight: &mut Sight) {
        let link = link_of(&folder.join(format!("fd/{number}")));
        let mut put = |what: &str, text: String| sight.insert(format!("fd {number:02} {what}"), text);
        put("name", link.clone());
        put("fdinfo", lasting_fdinfo(&read(&folder.join(format!("fdinfo/{number}")))));
        let Ok(duplicate) = pidfd::duplicate_fd(pidfd, number) else {
            put("", NOT_DUPLICATED.into());
            return;
        };
        put("stat", self.stat(&duplicate, &link));
        put("settings", format!("{:?}", fcntl::settings(&duplicate)));
        let readable = fcntl::readable(std::iter::once(&duplicate)).expect("one descriptor is polled");
        put("readable", format!("{readable:?}"));
        match fcntl::kind(&duplicate) {
            Ok(FileType::Pipe) => {
                put("contents", format!("{:?}", queue::pipe_contents(&duplicate, MAX_WAITING)));
            }
            Ok(FileType::Socket) => drop(put("socket", self.socket(&duplicate))),
            _ => {
                put("waiting", format!("{:?}", fcntl::waiting_bytes(&duplicate)));
            }
        }
    }

    fn stat(&self, duplicate: &OwnedFd, link: &str) -> String {
        // Devices are everybody's, as is the one inode of all eventfds, timers, sets and the like; the text of a process's
        // status is new at each look; and without a jail files are left as they are.
        let is_own = !link.starts_with('/') || link.ends_with(" (deleted)") || self.private_files;
        if !is_own || ["/dev/", "/proc/", "anon_inode:"].iter().any(|start| link.starts_with(start)) {
            return String::new();
        }
        let Ok(stat) = rustix::fs::fstat(duplicate) else { return NO_STAT.into() };
        format!(
            "mode {:o} owner {}:{} size {} links {} accessed {}.{:09} modified {}.{:09}",
            stat.st_mode,
            stat.st_uid,
            stat.st_gid,
            stat.st_size,
            stat.st_nlink,
            stat.st_atime,
            stat.st_atime_nsec,
            stat.st_mtime,
            stat.st_mtime_nsec
        )
    }

    fn socket(&self, duplicate: &OwnedFd) -> String {
        let Ok(made) = socket::made(duplicate) else { return NO_SOCKET.into() };
        let mut text = format!("{made:?}\n");
        let mut line = |what: &str, told: String| writeln!(text, "{what}: {told}").expect("a string");
        let own = socket::own_address(duplicate);
        let peer = socket::peer_address(duplicate);
        // A datagram socket that has a peer gets another port, so that nobody's answer finds it.
        let has_passing_port = made.family != AF_UNIX && made.kind == 2 && peer.is_ok();
        if has_passing_port {
            line("has a port", format!("{:?}", own.map(|own| !own.is_unnamed())));
        } else {
            line("own address", format!("{own:?}"));
        }
        line("peer", format!("{peer:?}"));
        if !made.listens {
            line("waiting", format!("{:?}", fcntl::waiting_bytes(duplicate)));
            line("unsent", format!("{:?}", socket::unacknowledged(duplicate)));
        }
        for (level, name, operation) in &self.options {
            if *level == SOL_SOCKET || is_of(*level, made) {
                line(operation, format!("{:?}", socket::option_bytes(duplicate, *level, *name)));
            }
        }
        text
    }
}

/// Whether a level of options is of such a socket.
fn is_of(level: u32, made: socket::Made) -> bool {
    const AF_INET: i32 = 2;
    const AF_INET6: i32 = 10;
    const AF_NETLINK: i32 = 16;
    match level {
        0 => made.family == AF_INET || made.family == AF_INET6,
        41 | 58 => made.family == AF_INET6,
        270 => made.family == AF_NETLINK,
        protocol => made.family != AF_UNIX && made.protocol == protocol.cast_signed(),
    }
}

/// What could not be looked at is the same before and after: the first look at a victim has to see everything.
pub(super) fn assert_seen(sight: &Sight) {
    assert!(!sight[FLAGS].is_empty(), "no flags of mappings are seen");
    let unseen: Vec<_> = sight
        .iter()
        .filter(|(_, told)| [NOT_DUPLICATED, NO_STAT, NO_SOCKET].contains(&told.as_str()))
        .collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}

/// The differences, a line each.
pub(super) fn differences(before: &Sight, after: &Sight) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut found = Vec::new();
    for name in names {
        let none = String::new();
        let (before, after) = (before.get(name).unwrap_or(&none), after.get(name).unwrap_or(&none));
        if before != after {
            let gone = before.lines().filter(|line| !after.lines().any(|other| other == *line));
            let come = after.lines().filter(|line| !before.lines().any(|other| other == *line));
            found.push(format!(
                "{name}:\n    before {}\n    after  {}",
                gone.collect::<Vec<_>>().join(" | "),
                come.collect::<Vec<_>>().join(" | ")
            ));
        }
    }
    found
}

fn look_at_thread(folder: &Path, tid: i32, sight: &mut Sight) {
    let mut put = |what: &str, text: String| sight.insert(format!("thread {tid} {what}"), text);
    let passes = |line: &&str| {
        PASSING_STATUS.iter().any(|start| line.starts_with(start)) && !line.starts_with(LASTING_STATUS)
    };
    let status = read(&folder.join("status"));
    put("status", status.lines().filter(|line| !passes(line)).collect::<Vec<_>>().join("\n"));
    for file in FILES_OF_THREADS {
        put(file, read(&folder.join(file)));
    }
    put("directory", link_of(&folder.join("cwd")));
    put("scheduling", format!("{:?}", scheduling::attributes(Tid(tid))));
    put("input and output priority", format!("{:?}", scheduling::io_priority(Tid(tid))));
}

/// Without the time that is left of a timer.
fn lasting_fdinfo(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("it_value:")).collect::<Vec<_>>().join("\n")
}

/// Each mapping with its flags, but for two: `sd` tells whether it is new to who follows writes by that, and `ac` whether its
/// pages count against what the machine may commit to, which mapping it anew and changing its protection turn on and off.
fn flags_of_mappings(smaps: &str) -> String {
    let mut mapping = "";
    let mut lines = Vec::new();
    for line in smaps.lines() {
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            lines.push(format!("{mapping}{}", flags.replace(" sd", "").replace(" ac", "")));
        } else if line
            .as_bytes()
            .first()
            .is_some_and(|first| first.is_ascii_hexdigit() && !first.is_ascii_uppercase())
        {
            mapping = line;
        }
    }
    lines.join("\n")
}

fn read(path: &Path) -> String {
    match std::fs::read(path) {
        Ok(text) => String::from_utf8_lossy(&text).into_owned(),
        Err(error) => error.to_string(),
    }
}

fn link_of(path: &Path) -> String {
    std::fs::read_link(path)
        .map_or_else(|error| error.to_string(), |target| target.to_string_lossy().into_owned())
}

fn list(folder: &Path) -> Vec<i32> {
    let entries = std::fs::read_dir(folder).expect("the process lives");
    let mut numbers: Vec<i32> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}
