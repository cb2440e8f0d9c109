//! What the kernel tells to whoever may trace the process, and mostly lets be set from outside.

#![allow(clippy::unnecessary_wraps, reason = "the functions of all rows have one shape")]

use super::{Place, Row, Touched, Value};
use crate::arch::call;
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::trace::fd_passing;
use crate::trace::inspect;
use crate::trace::process::Process;
use groundhog_sys::limits::{self, Limit};
use groundhog_sys::{Errno, Tid, file_contents, open_file, pidfd, scheduling};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

const PR_SET_NAME: u64 = 15;
/// Ordinary policies, whose attributes hold a time slice (`SCHED_OTHER`, `SCHED_BATCH`, `SCHED_IDLE`).
const FAIR: [u32; 3] = [0, 3, 5];
/// Files under `/proc/PID` that set something. Not every kernel has all of them.
const WRITTEN: [&str; 3] = ["oom_score_adj", "coredump_filter", "autogroup"];
/// Likewise, which cannot be set back.
const WRITTEN_ONCE: [&str; 7] = [
    "loginuid",
    "setgroups",
    "attr/current",
    "attr/exec",
    "attr/fscreate",
    "attr/keycreate",
    "attr/sockcreate",
];

pub(super) fn nothing(_: &mut Place<'_>) -> Step<Vec<u8>> {
    Ok(Vec::new())
}

pub(super) fn leave(_: &mut Place<'_>, _: &Value, _: &Touched) -> Step<()> {
    Ok(())
}

pub(super) fn limits(place: &mut Place<'_>) -> Step<Vec<u8>> {
    let mut bytes = Vec::new();
    for resource in 0..limits::RESOURCES {
        let limit =
            limits::get(place.process.pid, resource).or_trouble(Reason::Inspection, "reading its limits")?;
        bytes.extend([limit.soft, limit.hard].map(u64::to_le_bytes).concat());
    }
    Ok(bytes)
}

/// The limits of time (`RLIMIT_CPU`, `RLIMIT_RTTIME`), of which the kernel raises the soft one each time it tells that it was
/// passed.
pub(super) fn time_limits(bytes: &[u8]) -> impl Iterator<Item = &[u8; 16]> {
    const OF_TIME: [usize; 2] = [0, 15];
    let limits = bytes.as_chunks::<16>().0;
    OF_TIME.iter().filter_map(|resource| limits.get(*resource))
}

/// Whether there is one.
pub(super) fn limits_time(bytes: &[u8]) -> bool {
    const UNLIMITED: [u8; 8] = [0xff; 8];
    time_limits(bytes).any(|limit| limit[..8] != UNLIMITED)
}

pub(super) fn set_limits(place: &mut Place<'_>, value: &Value, _: &Touched) -> Step<()> {
    for (resource, bytes) in (0..).zip(value.bytes.as_chunks::<16>().0) {
        let (soft, hard) = bytes.split_at(8);
        let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        let limit = Limit { soft: number(soft), hard: number(hard) };
        if limits::get(place.process.pid, resource) != Ok(limit) {
            let _shows = limits::set(place.process.pid, resource, limit);
        }
    }
    Ok(())
}

pub(super) fn mask(place: &mut Place<'_>) -> Step<Vec<u8>> {
    let mask = inspect::status(place.process.pid, place.tid)?.umask.ok_or(Trouble::Exited)?;
    Ok(mask.to_le_bytes().to_vec())
}

pub(super) fn set_mask(place: &mut Place<'_>, value: &Value, _: &Touched) -> Step<()> {
    let mask = u32::from_le_bytes(value.bytes.as_slice().try_into().unwrap_or_default());
    place.remote()?.must("umask", call::UMASK, [mask.into(), 0, 0, 0, 0, 0])?;
    Ok(())
}

fn link_to_directory(process: &Process, tid: Tid) -> String {
    format!("/proc/{}/task/{tid}/cwd", process.pid)
}

/// That of every thread, since one could have its own.
pub(super) fn directory(place: &mut Place<'_>) -> Step<Vec<u8>> {
    let mut bytes = Vec::new();
    for tid in place.process.threads() {
        let path = link_to_directory(place.process, tid);
        let found = std::fs::metadata(&path).or_trouble(Reason::Inspection, "following its links")?;
        let mount = open_file::mount_of(&path).or_trouble(Reason::Inspection, "following its links")?;
        bytes.extend([found.dev(), found.ino(), mount].map(u64::to_le_bytes).concat());
    }
    Ok(bytes)
}

pub(super) fn keep_directory(row: &Row, place: &mut Place<'_>) -> Step<Value> {
    let folder = open_file::open_path(link_to_directory(place.process, place.tid))
        .or_trouble(Reason::Inspection, "opening its working directory")?;
    Ok(Value { bytes: (row.read)(place)?, folder: Some(folder) })
}

/// By a descriptor, since its path may lead elsewhere by now, or nowhere.
pub(super) fn set_directory(place: &mut Place<'_>, value: &Value, _: &Touched) -> Step<()> {
    let Some(folder) = &value.folder else { return Ok(()) };
    let mut remote = place.remote()?;
    for number in fd_passing::pass(&mut remote, &[folder.as_fd()], 0)? {
        let arguments = [number as u64, 0, 0, 0, 0, 0];
        let _shows = remote.call(call::FCHDIR, arguments)?;
        remote.must("close", call::CLOSE, arguments)?;
    }
    Ok(())
}

pub(super) fn scheduling(place: &mut Place<'_>) -> Step<Vec<u8>> {
    let what = "reading how it is scheduled";
    let now = scheduling::attributes(place.tid).or_trouble(Reason::Inspection, what)?;
    let priority = scheduling::io_priority(place.tid).or_trouble(Reason::Inspection, what)?;
    let mut bytes = scheduling::affinity(place.tid).or_trouble(Reason::Inspection, what)?.to_vec();
    bytes.extend(priority.to_le_bytes());
    bytes.extend([now.policy, now.nice.cast_unsigned(), now.priority].map(u32::to_le_bytes).concat());
    bytes.extend([now.flags, now.runtime, now.deadline, now.period].map(u64::to_le_bytes).concat());
    bytes.extend([now.util_min, now.util_max].map(u32::to_le_bytes).concat());
    Ok(bytes)
}

/// What [`scheduling`] made bytes of.
fn scheduled(bytes: &[u8]) -> Option<(scheduling::Processors, i32, scheduling::Attributes)> {
    let (processors, rest) = bytes.split_first_chunk::<{ scheduling::SET_SIZE }>()?;
    let (priority, rest) = rest.split_first_chunk::<4>()?;
    let (small, rest) = rest.split_first_chunk::<12>()?;
    let (large, rest) = rest.split_first_chunk::<32>()?;
    let number = |bytes: &[u8], at: usize| bytes.as_chunks::<4>().0.get(at).copied().map(u32::from_le_bytes);
    let wide = |at: usize| large.as_chunks::<8>().0.get(at).copied().map(u64::from_le_bytes);
    let attributes = scheduling::Attributes {
        size: 0,
        policy: number(small, 0)?,
        nice: number(small, 1)?.cast_signed(),
        priority: number(small, 2)?,
        flags: wide(0)?,
        runtime: wide(1)?,
        deadline: wide(2)?,
        period: wide(3)?,
        util_min: number(rest, 0)?,
        util_max: number(rest, 1)?,
    };
    Some((*processors, i32::from_le_bytes(*priority), attributes))
}

fn is_fair(attributes: &scheduling::Attributes) -> bool {
    FAIR.contains(&attributes.policy)
}

/// Nothing tells whether a thread set its processors, or its time slice, to what they were already: these would stay when its control
/// group gets more. So they are set at the snapshot as each restore sets them.
pub(super) fn keep_scheduling(row: &Row, place: &mut Place<'_>) -> Step<Value> {
    let value = Value { bytes: (row.read)(place)?, folder: None };
    let is_settled = scheduled(&value.bytes).is_none_or(|(_, _, attributes)| !is_fair(&attributes));
    if place.process.spawned && !is_settled {
        set_scheduling(place, &value, &Touched::default())?;
    }
    Ok(value)
}

pub(super) fn set_scheduling(place: &mut Place<'_>, value: &Value, _: &Touched) -> Step<()> {
    let Some((processors, priority, attributes)) = scheduled(&value.bytes) else { return Ok(()) };
    if !is_fair(&attributes) {
        let message = format!(
            "the request set how threads are scheduled, and the kernel does not tell all of that of real-time thread {}",
            place.tid
        );
        return Err(Trouble::Refused(Reason::KernelState, message));
    }
    // A slice of its own would stay when the kernel's changes; so first without.
    let ordinary = scheduling::Attributes { runtime: 0, ..attributes };
    let _shows = scheduling::set_attributes(place.tid, &ordinary);
    if scheduling::attributes(place.tid).map(|now| now.runtime) != Ok(attributes.runtime) {
        let _shows = scheduling::set_attributes(place.tid, &attributes);
    }
    // Likewise.
    let _shows = scheduling::set_affinity_back(place.tid, &processors);
    if scheduling::io_priority(place.tid) != Ok(priority) {
        let _shows = scheduling::set_io_priority(place.tid, priority);
    }
    Ok(())
}

pub(super) fn name(place: &mut Place<'_>) -> Step<Vec<u8>> {
    let path = format!("/proc/{}/task/{}/comm", place.process.pid, place.tid);
    let mut name = std::fs::read(path).or_trouble(Reason::Inspection, "reading its threads")?;
    name.pop(); // the end of the line
    Ok(name)
}

pub(super) fn set_name(place: &mut Place<'_>, value: &Value, _: &Touched) -> Step<()> {
    let mut remote = place.remote()?;
    let at = remote.put(&[value.bytes.as_slice(), b"\0"].concat())?;
    remote.must("prctl", call::PRCTL, [PR_SET_NAME, at.0, 0, 0, 0, 0])?;
    Ok(())
}

fn settings_file(process: &Process, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{}/{name}", process.pid))
}

/// Each file as a line; empty for one that the kernel does not have.
pub(super) fn written(place: &mut Place<'_>) -> Step<Vec<u8>> {
    let mut lines = Vec::new();
    for file in WRITTEN {
        match std::fs::read(settings_file(place.process, file)) {
            Ok(text) => lines.extend(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => lines.push(b'\n'),
            Err(error) => {
                return Err(Trouble::Refused(Reason::Inspection, format!("reading its {file}: {error}")));
            }
        }
    }
    for file in WRITTEN_ONCE {
        // Some answer with an error, now as before.
        match std::fs::read(settings_file(place.process, file)) {
            Ok(text) => lines.extend([text.as_slice(), b"\n"].concat()),
            Err(error) => lines.extend(format!("{error}\n").bytes()),
        }
    }
    for tid in place.process.threads() {
        lines.extend(named_attributes(tid)?);
        lines.extend(control_groups(place.process, tid)?);
    }
    Ok(lines)
}

/// The control groups that a thread is in, and those for parts of the processor (resctrl): files of theirs say so, anywhere under `/sys`.
fn control_groups(process: &Process, tid: Tid) -> Step<Vec<u8>> {
    let mut groups = Vec::new();
    for file in ["cgroup", "cpu_resctrl_groups"] {
        match std::fs::read(settings_file(process, &format!("task/{tid}/{file}"))) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {} // a kernel without
            text => groups.extend(text.or_trouble(Reason::Inspection, "reading its control groups")?),
        }
    }
    Ok(groups)
}

/// What was set on a thread itself by a descriptor that stands for it (Linux 6.17), which cannot be set back.
fn named_attributes(tid: Tid) -> Step<Vec<u8>> {
    const EINVAL: Errno = Errno(22);
    let what = "reading its named attributes";
    // The first thread stands for the process; kernels that have no descriptors for others keep nothing by them.
    let thread = match pidfd::open_thread(tid).or_else(|_| pidfd::open(tid)) {
        Err(EINVAL) => return Ok(Vec::new()),
        thread => thread.or_trouble(Reason::Inspection, what)?,
    };
    let attributes = file_contents::attributes(&thread).or_trouble(Reason::Inspection, what)?;
    Ok(attributes.into_iter().flat_map(|(name, value)| [name, value].concat()).collect())
}

pub(super) fn write(place: &mut Place<'_>, value: &Value, _: &Touched) -> Step<()> {
    let text = String::from_utf8_lossy(&value.bytes);
    for (file, line) in WRITTEN.into_iter().zip(text.lines()) {
        let line = match file {
            "coredump_filter" => format!("0x{line}"),
            // "/autogroup-55 nice 0"
            "autogroup" => line.rsplit(' ').next().unwrap_or_default().to_owned(),
            _ => line.to_owned(),
        };
        let _shows = std::fs::write(settings_file(place.process, file), line);
    }
    Ok(())
}
