//! Memory policies of single mappings (`mbind`), which no list of mappings shows.

use crate::arch::call;
use crate::error::Step;
use crate::memory::vma::Area;
use crate::trace::remote_syscall::Remote;
use groundhog_sys::RemoteAddr;

/// Bits for nodes: more than any kernel has (`CONFIG_NODES_SHIFT` is at most 10).
const NODES: u64 = 1024;
/// A mode, and those bits.
const SIZE: usize = 8 + NODES as usize / 8;

/// Notes which mappings have another policy than the thread that makes the calls, whose policy counts where there is none.
pub(super) fn note_own<'a>(remote: &mut Remote<'_>, areas: impl Iterator<Item = &'a mut Area>) -> Step<()> {
    /// `MPOL_F_ADDR`
    const OF_ADDRESS: u64 = 2;
    let room = remote.put(&[0; SIZE])?;
    let of_thread = ask(remote, room, 0, 0)?;
    for area in areas {
        area.has_policy = ask(remote, room, area.mapping.start, OF_ADDRESS)? != of_thread;
    }
    Ok(())
}

/// `get_mempolicy`; the same for all where the kernel has none.
fn ask(remote: &mut Remote<'_>, room: RemoteAddr, address: u64, flags: u64) -> Step<[u8; SIZE]> {
    let _without_numa = remote.call(call::GET_MEMPOLICY, [room.0, room.0 + 8, NODES, address, flags, 0])?;
    let mut policy = [0; SIZE];
    remote.get(room, &mut policy)?;
    Ok(policy)
}
