//! What the kernel keeps of a process beside its memory, as it tells of it: compared, not put back.
//!
//! A process that we started cannot change any of it unseen (see `watch`), so that only `verify` compares. One that we
//! only attached to has no such watch, and is compared at every restore.

use crate::arch::call;
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::trace::inspect;
use crate::trace::process::Process;
use crate::trace::remote_syscall::{Anchor, Remote};
use groundhog_proc::stat;
use groundhog_sys::Tid;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Name and value of each, in a fixed order.
type Values = Vec<(String, Vec<u8>)>;

/// Links that lead to what the process is in.
const LINKS: [&str; 2] = ["cwd", "root"];
/// Files that are the same as long as nothing was changed. Not every kernel has all of them.
const FILES: [&str; 6] =
    ["limits", "timers", "oom_score_adj", "coredump_filter", "personality", "timerslack_ns"];
/// Lines of a descriptor's `fdinfo` that are put back, or that change by themselves.
const PASSING: [&str; 5] = ["pos:", "flags:", "eventfd-count:", "it_value:", "sigmask:"];

/// Timers of setitimer(2): real, virtual, profiling.
const INTERVAL_TIMERS: [u64; 3] = [0, 1, 2];
/// `prctl` operations that answer by their result (`linux/prctl.h`).
const PRCTL_RESULTS: [(u64, &str); 6] = [
    (3, "PR_GET_DUMPABLE"),
    (7, "PR_GET_KEEPCAPS"),
    (27, "PR_GET_SECUREBITS"),
    (30, "PR_GET_TIMERSLACK"),
    (34, "PR_MCE_KILL_GET"),
    (42, "PR_GET_THP_DISABLE"),
];
/// `prctl` operations that write a number where they are told.
const PRCTL_NUMBERS: [(u64, &str); 3] =
    [(2, "PR_GET_PDEATHSIG"), (25, "PR_GET_TSC"), (37, "PR_GET_CHILD_SUBREAPER")];

/// All of it, as it was.
#[derive(Debug)]
pub(crate) struct Attributes {
    told: Values,
    /// What only the process itself can ask for; none for a process that we started.
    asked: Option<Values>,
}

impl Attributes {
    /// Takes them from a stopped process. Uses the dead part of its stack.
    pub(crate) fn save(process: &mut Process, anchor: Anchor) -> Step<Self> {
        let told = tell(process)?;
        let asked = if process.spawned { None } else { Some(ask(process, anchor)?) };
        Ok(Self { told, asked })
    }

    /// Refuses a process in which any has changed. Uses the dead part of its stack.
    pub(crate) fn check(&self, process: &mut Process, anchor: Anchor) -> Step<()> {
        let mut changed = difference(&self.told, &tell(process)?);
        if let (None, Some(asked)) = (&changed, &self.asked) {
            changed = difference(asked, &ask(process, anchor)?);
        }
        match changed {
            None => Ok(()),
            Some(name) => {
                Err(Trouble::Refused(Reason::KernelState, format!("the request changed its {name}")))
            }
        }
    }

    /// Refuses descriptors, among `numbers`, of which the kernel tells something else now: a lock, or the members of a set.
    pub(crate) fn check_descriptors(&self, process: &Process, numbers: &[i32]) -> Step<()> {
        for number in numbers {
            let name = descriptor_name(number);
            let Some((_, before)) = self.told.iter().find(|(told, _)| *told == name) else { continue };
            let path = PathBuf::from(format!("/proc/{}/fdinfo/{number}", process.pid));
            if lasting_lines(&path)? != *before {
                let message = format!("the request changed {name}");
                return Err(Trouble::Refused(Reason::DescriptorChanged, message));
            }
        }
        Ok(())
    }

    /// The name of the first that has changed, of those that can be seen from outside.
    pub(crate) fn difference(&self, process: &Process) -> Step<Option<String>> {
        Ok(difference(&self.told, &tell(process)?))
    }
}

fn difference(before: &Values, now: &Values) -> Option<String> {
    let changed = before.iter().zip(now).find(|(before, now)| before != now);
    let name = |(name, _): &(String, Vec<u8>)| name.clone();
    match changed {
        Some((before, now)) => Some(name(if before.0 <= now.0 { before } else { now })),
        None => before.get(now.len()).or_else(|| now.get(before.len())).map(name),
    }
}

/// What stands under `/proc`.
fn tell(process: &Process) -> Step<Values> {
    let folder = PathBuf::from(format!("/proc/{}", process.pid));
    let mut values = Values::new();
    for link in LINKS {
        let target =
            std::fs::metadata(folder.join(link)).or_trouble(Reason::Inspection, "following its links")?;
        values.push((link.into(), format!("{}:{}", target.dev(), target.ino()).into_bytes()));
    }
    for file in FILES {
        // A file that cannot be read says so, now and then.
        let text = std::fs::read(folder.join(file)).unwrap_or_else(|error| error.to_string().into_bytes());
        values.push((file.into(), text));
    }
    for (name, target) in list(&folder.join("ns"))? {
        let target = std::fs::read_link(target).map(|link| link.to_string_lossy().into_owned());
        values.push((format!("{name} namespace"), target.unwrap_or_default().into_bytes()));
    }
    push_status(process.pid, &folder, &mut values)?;
    for tid in process.threads() {
        push_thread(&folder.join(format!("task/{tid}")), tid.0, &mut values)?;
    }
    for (number, path) in list(&folder.join("fdinfo"))? {
        values.push((descriptor_name(&number), lasting_lines(&path)?));
    }
    Ok(values)
}

fn descriptor_name(number: &impl std::fmt::Display) -> String {
    format!("descriptor {number}, a lock on it or what it watches")
}

/// What the kernel tells of a descriptor, without what is put back or passes.
fn lasting_lines(path: &Path) -> Step<Vec<u8>> {
    let text = std::fs::read_to_string(path).or_trouble(Reason::Inspection, "reading its descriptors")?;
    let lasting = |line: &&str| !PASSING.iter().any(|start| line.trim_start().starts_with(start));
    Ok(text.lines().filter(lasting).collect::<Vec<_>>().join("\n").into_bytes())
}

fn list(folder: &Path) -> Step<Vec<(String, PathBuf)>> {
    let entries = std::fs::read_dir(folder).or_trouble(Reason::Inspection, "listing what is under /proc")?;
    let mut found: Vec<_> = entries
        .flatten()
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .collect();
    found.sort_unstable();
    Ok(found)
}

fn push_status(pid: Tid, folder: &Path, values: &mut Values) -> Step<()> {
    let status = inspect::status(pid, pid)?;
    let mut push = |name: &str, value: String| values.push((name.into(), value.into_bytes()));
    push("umask", format!("{:o}", status.umask));
    push("user ids", format!("{:?}", status.uid));
    push("group ids", format!("{:?} {:?}", status.gid, status.groups));
    push("locked memory", format!("{:?}", status.vm_lck));
    push("capabilities", format!("{:?}", status.caps));
    push("signal actions", format!("{:x} {:x}", status.sig_ign, status.sig_cgt));
    push("no_new_privs", format!("{}", status.no_new_privs));
    push("seccomp filters", format!("{} {:?}", status.seccomp, status.seccomp_filters));
    let text = std::fs::read(folder.join("stat")).or_trouble(Reason::Inspection, "reading its stat")?;
    let stat = stat::parse(&text).map_err(|error| Trouble::Refused(Reason::Inspection, error.to_string()))?;
    push("process group and session", format!("{} {} {}", stat.pgrp, stat.session, stat.tty_nr));
    Ok(())
}

fn push_thread(folder: &Path, tid: i32, values: &mut Values) -> Step<()> {
    let read =
        |name: &str| std::fs::read(folder.join(name)).or_trouble(Reason::Inspection, "reading its threads");
    values.push((format!("name of thread {tid}"), read("comm")?));
    let stat = stat::parse(&read("stat")?)
        .map_err(|error| Trouble::Refused(Reason::Inspection, error.to_string()))?;
    let schedule = format!("{} {} {}", stat.nice, stat.rt_priority, stat.policy);
    values.push((format!("scheduling of thread {tid}"), schedule.into_bytes()));
    let status = read("status")?;
    let allowed: Vec<&[u8]> = status
        .split(|byte| *byte == b'\n')
        .filter(|line| line.starts_with(b"Cpus_allowed:") || line.starts_with(b"Mems_allowed:"))
        .collect();
    values.push((format!("affinity of thread {tid}"), allowed.concat()));
    Ok(())
}

/// What only a thread of the process itself is told.
fn ask(process: &mut Process, anchor: Anchor) -> Step<Values> {
    let mut remote = Remote::enter(process, anchor)?;
    let mut values = Values::new();
    let room = |remote: &Remote<'_>| remote.put(&[0; 32]);
    for timer in INTERVAL_TIMERS {
        let at = room(&remote)?;
        remote.must("getitimer", call::GETITIMER, [timer, at.0, 0, 0, 0, 0])?;
        // struct itimerval: the interval, then the time that is left.
        let mut bytes = [0; 32];
        remote.get(at, &mut bytes)?;
        let armed = u8::from(bytes[16..].iter().any(|byte| *byte != 0));
        values.push((format!("interval timer {timer}"), [&bytes[..16], &[armed]].concat()));
    }
    for (operation, name) in PRCTL_RESULTS {
        let result = remote.call(call::PRCTL, [operation, 0, 0, 0, 0, 0])?;
        values.push((name.into(), format!("{result:?}").into_bytes()));
    }
    for (operation, name) in PRCTL_NUMBERS {
        let at = room(&remote)?;
        let result = remote.call(call::PRCTL, [operation, at.0, 0, 0, 0, 0])?;
        let mut number = [0; 4];
        remote.get(at, &mut number)?;
        values.push((name.into(), format!("{result:?} {number:?}").into_bytes()));
    }
    let at = room(&remote)?;
    remote.must("sigaltstack", call::SIGALTSTACK, [0, at.0, 0, 0, 0, 0])?;
    let mut stack = [0; 24];
    remote.get(at, &mut stack)?;
    values.push(("alternate signal stack".into(), stack.to_vec()));
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn the_first_difference_is_named() {
        let before = values(&[("cwd", "1:2"), ("umask", "22")]);
        assert_eq!(difference(&before, &before.clone()), None);
        assert_eq!(difference(&before, &values(&[("cwd", "1:2"), ("umask", "0")])), Some("umask".into()));
    }

    #[test]
    fn what_came_or_went_is_named() {
        let (few, more) = (values(&[("a", "")]), values(&[("a", ""), ("b", "")]));
        assert_eq!(difference(&few, &more), Some("b".into()));
        assert_eq!(difference(&more, &few), Some("b".into()));
    }
}
