//! Timers that send signals: disarmed, deleted, or armed with what was left of their time at the snapshot.
//!
//! Their bytes: a text that does not change by itself, a zero, then for each timer its number, the interval and the time
//! that is left.

use super::{Place, Row, Touched, Value};
use crate::arch::call;
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::trace::process::Process;
use crate::trace::remote_syscall::{MOST_LISTED, Remote};

/// Timers of setitimer(2): real, virtual, profiling.
const INTERVAL_TIMERS: [i32; 3] = [0, 1, 2];
/// `PR_TIMER_CREATE_RESTORE_IDS` (Linux 6.16), and what it does.
const RESTORE_NUMBERS: u64 = 77;
const OFF: u64 = 0;
const ON: u64 = 1;
const ASK: u64 = 2;
const CLOCK_MONOTONIC: u64 = 1;
const ENOENT: i32 = 2;

/// Bytes of `struct itimerval` and of `struct itimerspec`.
const SETTING: usize = 32;

#[derive(Clone, Copy, PartialEq, Eq)]
struct Timer {
    number: i32,
    interval: [u8; 16],
    left: [u8; 16],
}

impl Timer {
    /// From `struct itimerval` or `struct itimerspec`.
    fn new(number: i32, interval_and_left: &[u8; SETTING]) -> Self {
        let mut timer = Self { number, interval: [0; 16], left: [0; 16] };
        timer.interval.copy_from_slice(&interval_and_left[..16]);
        timer.left.copy_from_slice(&interval_and_left[16..]);
        timer
    }

    fn is_armed(&self) -> bool {
        self.left != [0; 16]
    }

    fn setting(&self) -> Vec<u8> {
        [self.interval, self.left].concat()
    }
}

fn bytes_of(text: &[u8], timers: &[Timer]) -> Vec<u8> {
    let mut bytes = text.to_vec();
    bytes.push(0);
    for timer in timers {
        bytes.extend(timer.number.to_le_bytes());
        bytes.extend(timer.setting());
    }
    bytes
}

fn parse(bytes: &[u8]) -> (&[u8], Vec<Timer>) {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let records = bytes.get(end + 1..).unwrap_or_default().as_chunks::<36>().0;
    let timers = records.iter().filter_map(|record| {
        let (number, setting) = record.split_first_chunk::<4>()?;
        Some(Timer::new(i32::from_le_bytes(*number), setting.try_into().ok()?))
    });
    (&bytes[..end], timers.collect())
}

/// Whether one of them is armed.
pub(super) fn any_armed(bytes: &[u8]) -> bool {
    parse(bytes).1.iter().any(Timer::is_armed)
}

/// An armed timer goes on, so that nothing tells whether it was set.
pub(super) fn unchanged(before: &[u8], now: &[u8]) -> bool {
    before == now && !any_armed(before)
}

pub(super) fn settled(before: &[u8], now: &[u8]) -> bool {
    let ((text, timers), (text_now, timers_now)) = (parse(before), parse(now));
    let same = |(before, now): (&Timer, &Timer)| {
        before.number == now.number
            && before.interval == now.interval
            // One that was to go off at once may have.
            && (before.is_armed() || !now.is_armed())
    };
    text == text_now && timers.len() == timers_now.len() && timers.iter().zip(&timers_now).all(same)
}

pub(super) fn intervals(place: &mut Place<'_>) -> Step<Vec<u8>> {
    Ok(bytes_of(b"", &ask(&mut place.remote()?, "getitimer", call::GETITIMER, &INTERVAL_TIMERS)?))
}

/// As many as [`Remote::call_all`] takes at a time.
fn ask(remote: &mut Remote<'_>, what: &str, call: u64, numbers: &[i32]) -> Step<Vec<Timer>> {
    let mut timers = Vec::with_capacity(numbers.len());
    for numbers in numbers.chunks(MOST_LISTED) {
        let mut settings = vec![0; numbers.len() * SETTING];
        let room = remote.put(&settings)?;
        let ask = |(number, at): (&i32, u64)| (call, [*number as u64, at, 0, 0, 0, 0]);
        let places = (room.0..).step_by(SETTING);
        remote.must_all(what, &numbers.iter().zip(places).map(ask).collect::<Vec<_>>())?;
        remote.get(room, &mut settings)?;
        let timer = |(number, setting): (&i32, &[u8; SETTING])| Timer::new(*number, setting);
        timers.extend(numbers.iter().zip(settings.as_chunks().0).map(timer));
    }
    Ok(timers)
}

pub(super) fn set_intervals(place: &mut Place<'_>, value: &Value, _: &Touched) -> Step<()> {
    let mut remote = place.remote()?;
    for timer in parse(&value.bytes).1 {
        let at = remote.put(&timer.setting())?;
        remote.must("setitimer", call::SETITIMER, [timer.number as u64, at.0, 0, 0, 0, 0])?;
    }
    Ok(())
}

pub(super) fn posix(place: &mut Place<'_>) -> Step<Vec<u8>> {
    let text = std::fs::read(format!("/proc/{}/timers", place.process.pid))
        .or_trouble(Reason::Inspection, "reading its timers")?;
    let mut numbers = Vec::new();
    for line in String::from_utf8_lossy(&text).lines() {
        let Some(number) = line.strip_prefix("ID:") else { continue };
        numbers.push(number.trim().parse().map_err(|_| {
            Trouble::Refused(Reason::Inspection, format!("a timer without a number: {line:?}"))
        })?);
    }
    if numbers.is_empty() {
        return Ok(bytes_of(&text, &[]));
    }
    Ok(bytes_of(&text, &ask(&mut place.remote()?, "timer_gettime", call::TIMER_GETTIME, &numbers)?))
}

/// The signals that POSIX timers send; none where the kernel does not tell of timers.
pub(super) fn signals(process: &Process) -> Step<Vec<u64>> {
    let text = match std::fs::read(format!("/proc/{}/timers", process.pid)) {
        Err(error) if error.raw_os_error() == Some(ENOENT) => return Ok(Vec::new()),
        text => text.or_trouble(Reason::Inspection, "reading its timers")?,
    };
    let number = |line: &str| line.strip_prefix("signal:")?.split('/').next()?.trim().parse().ok();
    Ok(String::from_utf8_lossy(&text).lines().filter_map(number).filter(|signal| *signal > 0).collect())
}

/// Those that were named, those of which one can see that they differ, and those that were armed.
pub(super) fn set_posix(place: &mut Place<'_>, value: &Value, touched: &Touched) -> Step<()> {
    let now = posix(place)?;
    let (before, now) = (parse(&value.bytes).1, parse(&now).1);
    let find = |timers: &[Timer], number: i32| timers.iter().find(|timer| timer.number == number).copied();
    let mut remote = place.remote()?;
    for timer in now.iter().filter(|timer| find(&before, timer.number).is_none()) {
        remote.must("timer_delete", call::TIMER_DELETE, [timer.number as u64, 0, 0, 0, 0, 0])?;
    }
    for timer in before {
        // One that was deleted is missed afterwards.
        let Some(now) = find(&now, timer.number) else { continue };
        let differs = now.interval != timer.interval || now.is_armed() != timer.is_armed();
        if differs || timer.is_armed() || touched.names_timer(timer.number) {
            let at = remote.put(&timer.setting())?;
            remote.must("timer_settime", call::TIMER_SETTIME, [timer.number as u64, 0, at.0, 0, 0, 0])?;
        }
    }
    Ok(())
}

/// Refuses those of the snapshot that were deleted, whatever is there under their numbers now: of a timer that counts the processor
/// time of a thread, nothing tells which thread that is.
pub(super) fn refuse_deleted(value: &Value, touched: &Touched) -> Step<()> {
    match parse(&value.bytes).1.iter().find(|timer| touched.may_have_deleted_timer(timer.number)) {
        Some(Timer { number, .. }) => {
            let message = format!("the request deleted POSIX timer {number} of the snapshot, or may have");
            Err(Trouble::Refused(Reason::KernelState, message))
        }
        None => Ok(()),
    }
}

/// Which number a new timer got, of one that was made for this and is gone; nothing where the kernel cannot be made to give
/// a number once more, and a timer that was made tells in its number how many there were.
pub(super) fn keep_number(_: &Row, place: &mut Place<'_>) -> Step<Value> {
    let mut remote = place.remote()?;
    let mut bytes = Vec::new();
    if remote.call(call::PRCTL, [RESTORE_NUMBERS, ASK, 0, 0, 0, 0])? == Ok(0) {
        bytes.extend(make(&mut remote, 0)?.to_le_bytes());
    }
    Ok(Value { bytes, folder: None })
}

/// The next timer gets the number after the one that this makes, and deletes.
pub(super) fn set_number(place: &mut Place<'_>, value: &Value, _: &Touched) -> Step<()> {
    let mut remote = place.remote()?;
    let refuse = |why| {
        let message = format!("the request made a timer, and the number of the next one {why}");
        Err(Trouble::Refused(Reason::KernelState, message))
    };
    let Ok(number) = value.bytes.as_slice().try_into().map(i32::from_le_bytes) else {
        return refuse("cannot be put back by this kernel");
    };
    remote.must("prctl", call::PRCTL, [RESTORE_NUMBERS, ON, 0, 0, 0, 0])?;
    let made = make(&mut remote, number)?;
    remote.must("prctl", call::PRCTL, [RESTORE_NUMBERS, OFF, 0, 0, 0, 0])?;
    if made == number { Ok(()) } else { refuse("could not be put back") }
}

/// Makes a timer that never goes off, and deletes it again; answers its number.
fn make(remote: &mut Remote<'_>, wanted: i32) -> Step<i32> {
    const SIGEV_NONE: i32 = 1;
    // struct sigevent: value, signal, SIGEV_*; then the number.
    let mut bytes = vec![0; 72];
    bytes[12..16].copy_from_slice(&SIGEV_NONE.to_le_bytes());
    bytes[64..68].copy_from_slice(&wanted.to_le_bytes());
    let event = remote.put(&bytes)?;
    let room = event.0 + 64;
    remote.must("timer_create", call::TIMER_CREATE, [CLOCK_MONOTONIC, event.0, room, 0, 0, 0])?;
    let mut number = [0; 4];
    remote.get(groundhog_sys::RemoteAddr(room), &mut number)?;
    let number = i32::from_le_bytes(number);
    remote.must("timer_delete", call::TIMER_DELETE, [number as u64, 0, 0, 0, 0, 0])?;
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timer(number: i32, left: u8) -> Timer {
        let mut setting = [0; 32];
        setting[16] = left;
        Timer::new(number, &setting)
    }

    #[test]
    fn an_armed_timer_is_never_taken_for_unchanged() {
        let (quiet, armed) = (bytes_of(b"ID: 0", &[timer(0, 0)]), bytes_of(b"ID: 0", &[timer(0, 9)]));
        assert!(unchanged(&quiet, &quiet) && !unchanged(&armed, &armed) && !unchanged(&quiet, &armed));
    }

    #[test]
    fn the_time_that_is_left_need_not_be_the_same() {
        let bytes = |number, left| bytes_of(b"", &[timer(number, left)]);
        assert!(settled(&bytes(0, 9), &bytes(0, 8)) && settled(&bytes(0, 9), &bytes(0, 0)));
        assert!(!settled(&bytes(0, 0), &bytes(0, 9)) && !settled(&bytes(0, 9), &bytes(1, 9)));
        assert!(!settled(&bytes(0, 0), &bytes_of(b"", &[])));
    }
}
