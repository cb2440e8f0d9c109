//! What the kernel keeps of a process beside its memory, as it tells of it: compared, not put back.
//!
//! A process that we started cannot change any of it unseen (see `watch`) but its terminal, so that only `verify` compares. One that we
//! only attached to has no such watch, and is compared at every restore.

use crate::component::{Component, Restore, Stopped};
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::trace::inspect;
use crate::trace::process::Process;
use groundhog_proc::{mountinfo, stat};
use groundhog_sys::{Errno, PAGE_SIZE, Tid, fcntl, kcmp, open_file};
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Name and value of each, in a fixed order.
type Values = Vec<(String, Vec<u8>)>;

/// Links that lead to what the process is in.
const LINKS: [&str; 2] = ["cwd", "root"];
/// Files that are the same as long as nothing was changed. Not every kernel has all of them.
const FILES: [&str; 6] =
    ["limits", "timers", "oom_score_adj", "coredump_filter", "personality", "timerslack_ns"];
/// Lines of a thread's status that only calls change.
const OF_THREADS: [&[u8]; 17] = [
    b"Umask:",
    b"Uid:",
    b"Gid:",
    b"Groups:",
    b"CapInh:",
    b"CapPrm:",
    b"CapEff:",
    b"CapBnd:",
    b"CapAmb:",
    b"NoNewPrivs:",
    b"Seccomp:",
    b"Seccomp_filters:",
    b"Speculation_Store_Bypass:",
    b"SpeculationIndirectBranch:",
    b"Cpus_allowed:",
    b"Mems_allowed:",
    b"untag_mask:",
];

/// All of it, as it was.
#[derive(Debug)]
pub(crate) struct Attributes {
    values: Values,
    /// Where the kernel tells of the terminal, and which one it was: the leader of a session gets one by merely opening it.
    terminal: Option<(File, i64)>,
    /// Where the terminals of its own jail are made, and when the kernel noted last that one was used.
    makers: Vec<(File, Used)>,
}

const NOWHERE: Errno = Errno(2); // ENOENT
const NO_FOLDER: Errno = Errno(20); // ENOTDIR
const LOOKING: &str = "looking at where its terminals are made";

/// When something was read and written, in seconds and nanoseconds.
type Used = [i64; 4];

impl Attributes {
    /// Takes them from a stopped process.
    pub(crate) fn save(process: &Process) -> Step<Self> {
        let values = tell(process)?;
        let stat = File::open(format!("/proc/{}/stat", process.pid))
            .or_trouble(Reason::Inspection, "opening its stat")?;
        let told = read(&stat)?;
        let may_change = told.session == i64::from(process.pid.0) || told.tty_nr != 0;
        let terminal = may_change.then_some((stat, told.tty_nr));
        Ok(Self { values, terminal, makers: makers_of_terminals(process)? })
    }

    /// Nobody can set these times back, since nobody may set any there.
    fn has_used_terminals(&self) -> bool {
        self.makers.iter().any(|(maker, before)| !used(maker).is_ok_and(|now| now == *before))
    }

    fn changed(&self, process: &Process) -> Step<Option<String>> {
        Ok(difference(&self.values, &tell(process)?))
    }
}

impl Component for Attributes {
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        if self.has_used_terminals() {
            let message = "the request used a terminal, and the kernel has noted when".into();
            return Err(Trouble::Refused(Reason::KernelState, message));
        }
        if restore.sees_calls {
            let Some((stat, terminal)) = &self.terminal else { return Ok(()) };
            if read(stat)?.tty_nr == *terminal {
                return Ok(());
            }
            let message = "the request gave it another terminal, or took its own from it".into();
            return Err(Trouble::Refused(Reason::KernelState, message));
        }
        match self.changed(restore.stopped.process)? {
            None => Ok(()),
            Some(name) => {
                Err(Trouble::Refused(Reason::KernelState, format!("the request changed its {name}")))
            }
        }
    }

    fn difference(&mut self, stopped: &mut Stopped<'_>) -> Step<Option<String>> {
        let terminals = self.has_used_terminals().then(|| "the times of its terminals changed".into());
        Ok(self.changed(stopped.process)?.map(|name| format!("its {name} changed")).or(terminals))
    }
}

/// Those of a process in mounts of its own, which makes terminals that nobody else has. Others use those of the machine, too.
fn makers_of_terminals(process: &Process) -> Step<Vec<(File, Used)>> {
    let what = "reading its mounts";
    let mounts = |whose: &str| std::fs::read_link(format!("/proc/{whose}/ns/mnt"));
    let pid = process.pid.to_string();
    let are_ours = mounts("self").or_trouble(Reason::Inspection, what)?
        == mounts(&pid).or_trouble(Reason::Inspection, what)?;
    if are_ours || !process.spawned {
        return Ok(Vec::new());
    }
    let text = std::fs::read(format!("/proc/{pid}/mountinfo")).or_trouble(Reason::Inspection, what)?;
    let found = mountinfo::mounts_of("devpts", &text)
        .map_err(|error| Trouble::Refused(Reason::Inspection, error.to_string()))?;
    let maker = |mount: mountinfo::Mount| {
        let place = OsStr::from_bytes(mount.point.strip_prefix(b"/")?);
        let path = Path::new("/proc").join(&pid).join("root").join(place).join("ptmx");
        let maker = match open_file::open_path(path) {
            Ok(maker) => File::from(maker),
            Err(NOWHERE | NO_FOLDER) => return None, // another mount hides it, and nobody gets there
            Err(errno) => return Some(Err(errno).or_trouble(Reason::Inspection, LOOKING)),
        };
        Some(used(&maker).or_trouble(Reason::Inspection, LOOKING).map(|used| (maker, used)))
    };
    let mut makers: Vec<(File, Used)> = found.into_iter().filter_map(maker).collect::<Step<_>>()?;
    // The same one may be mounted in several places.
    let which = |maker: &File| maker.metadata().map(|found| (found.dev(), found.ino())).ok();
    makers.dedup_by(|(one, _), (other, _)| which(one).is_some_and(|one| Some(one) == which(other)));
    Ok(makers)
}

fn used(maker: &File) -> std::io::Result<Used> {
    let found = maker.metadata()?;
    Ok([found.atime(), found.atime_nsec(), found.mtime(), found.mtime_nsec()])
}

fn read(stat: &File) -> Step<stat::Stat> {
    let text =
        fcntl::beginning(stat, PAGE_SIZE as usize).or_trouble(Reason::Inspection, "reading its stat")?;
    stat::parse(&text).map_err(|error| Trouble::Refused(Reason::Inspection, error.to_string()))
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
        push_thread(process.pid, &folder.join(format!("task/{tid}")), tid.0, &mut values)?;
    }
    Ok(values)
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
    push("umask", format!("{:o}", status.umask.ok_or(Trouble::Exited)?));
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

fn push_thread(pid: Tid, folder: &Path, tid: i32, values: &mut Values) -> Step<()> {
    let read =
        |name: &str| std::fs::read(folder.join(name)).or_trouble(Reason::Inspection, "reading its threads");
    values.push((format!("name of thread {tid}"), read("comm")?));
    let stat = stat::parse(&read("stat")?)
        .map_err(|error| Trouble::Refused(Reason::Inspection, error.to_string()))?;
    let schedule = format!("{} {} {}", stat.nice, stat.rt_priority, stat.policy);
    values.push((format!("scheduling of thread {tid}"), schedule.into_bytes()));
    let status = read("status")?;
    let told = status.split(|byte| *byte == b'\n');
    let lasting: Vec<&[u8]> =
        told.filter(|line| OF_THREADS.iter().any(|name| line.starts_with(name))).collect();
    values.push((format!("ids, rights, mask or affinity of thread {tid}"), lasting.join(&b'\n')));
    let own_table = format!("{:?}", kcmp::same_descriptors(pid, Tid(tid)));
    values.push((format!("descriptor table of thread {tid}"), own_table.into_bytes()));
    let directory =
        std::fs::metadata(folder.join("cwd")).or_trouble(Reason::Inspection, "following its links")?;
    let directory = format!("{}:{}", directory.dev(), directory.ino());
    values.push((format!("directory of thread {tid}"), directory.into_bytes()));
    Ok(())
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
