//! What kind of thing a seen call sets, if it is one that can be put back, and whose.

use super::calls::{PR_SET_NAME, PRCTL};
use crate::kernel_state::Kind;
use groundhog_sys::ptrace::Registers;

const SETPRIORITY: i64 = 141;
const IOPRIO_SET: i64 = 251;
pub(super) const SIGALTSTACK: i64 = 131;
pub(super) const RT_SIGRETURN: i64 = 15;

/// `prctl` operations that can be asked for and set back (`linux/prctl.h`).
const SETTINGS: [u64; 8] = [
    1,  // PR_SET_PDEATHSIG
    8,  // PR_SET_KEEPCAPS
    26, // PR_SET_TSC
    33, // PR_MCE_KILL
    36, // PR_SET_CHILD_SUBREAPER
    41, // PR_SET_THP_DISABLE
    57, // PR_SET_IO_FLUSHER
    77, // PR_TIMER_CREATE_RESTORE_IDS
];
const PR_SET_DUMPABLE: u64 = 4;
const PR_SET_TIMERSLACK: u64 = 29;

/// The kind of thing that a call sets; none: it cannot be put back.
pub(super) fn kind_of(number: i64, registers: &Registers) -> Option<Kind> {
    Some(match number {
        RT_SIGRETURN | SIGALTSTACK => Kind::AlternateStack,
        37 | 38 => Kind::IntervalTimers,
        80 | 81 => Kind::Directory,
        95 => Kind::Mask,
        135 => Kind::Settings,
        // Of single threads; groups and users are others, too.
        SETPRIORITY if registers.rdi as u32 == 0 => Kind::Scheduling,
        IOPRIO_SET if registers.rdi as u32 == 1 => Kind::Scheduling,
        142 | 144 | 203 | 314 => Kind::Scheduling,
        149..=152 | 325 => Kind::MemoryLocks,
        PRCTL => match registers.rdi & 0xffff_ffff {
            PR_SET_NAME => Kind::Name,
            PR_SET_DUMPABLE => Kind::Dumpable,
            PR_SET_TIMERSLACK => Kind::Slack,
            operation if SETTINGS.contains(&operation) => Kind::Settings,
            _ => return None,
        },
        160 | 302 => Kind::Limits,
        222 => Kind::TimerNumbers,
        223 | 226 => Kind::PosixTimers,
        286 => Kind::TimerDescriptors,
        _ => return None,
    })
}

/// The thread or process that a call names to set something of it; 0 is the caller itself.
pub(super) fn target_of(number: i64, registers: &Registers) -> i32 {
    (match number {
        SETPRIORITY | IOPRIO_SET => registers.rsi,
        142 | 144 | 203 | 302 | 314 => registers.rdi,
        _ => 0,
    }) as i32
}

/// The thread or process that a call names to change it; none: it is not about another one.
pub(crate) fn named(registers: &Registers) -> Option<i32> {
    let number = super::number_of(registers);
    let name = match number {
        SETPRIORITY if registers.rdi as u32 == 0 => registers.rsi,
        IOPRIO_SET if registers.rdi as u32 == 1 => registers.rsi,
        _ if super::calls::BY_PID.contains(&number) => registers.rdi,
        _ => return None,
    } as i32;
    (name != 0).then_some(name)
}

/// Whether a call sets what belongs to its thread alone, if it names no other.
pub(super) fn is_of_thread(number: i64, registers: &Registers) -> bool {
    matches!(kind_of(number, registers), Some(Kind::AlternateStack | Kind::Name | Kind::Scheduling))
}
