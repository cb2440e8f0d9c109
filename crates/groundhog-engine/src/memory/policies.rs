//! Memory policies of single mappings (`mbind`), which no list of mappings shows.

use crate::error::{OrTrouble, Reason, Step};
use crate::memory::vma::Area;
use crate::trace::inspect;
use crate::trace::process::Process;
use std::collections::BTreeMap;

const ENOENT: i32 = 2;

/// Notes which mappings have another policy than the process, whose policy counts where there is none; `vdso`: where one of those
/// is.
pub(super) fn note_own(process: &Process, areas: &mut [Area], vdso: u64) -> Step<()> {
    let text = match inspect::mappings(process.pid, "numa_maps") {
        // The kernel knows no nodes of memory.
        Err(error) if error.raw_os_error() == Some(ENOENT) => return Ok(()),
        text => text.or_trouble(Reason::Inspection, "reading its numa_maps")?,
    };
    let text = String::from_utf8_lossy(&text); // names of files may be anything
    let policies = parse(&text);
    let of_process = policies.get(&vdso);
    for area in areas {
        area.has_policy = policies.get(&area.mapping.start) != of_process;
    }
    Ok(())
}

/// The policy of each mapping by its first address.
fn parse(text: &str) -> BTreeMap<u64, &str> {
    let split = |line| {
        let mut words = str::split(line, ' ');
        Some((u64::from_str_radix(words.next()?, 16).ok()?, words.next()?))
    };
    text.lines().filter_map(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_found_by_address() {
        let text = "7f0000000000 default anon=1 N0=1\n7f0000002000 bind:0 file=/a\\040b mapped=2\n";
        assert_eq!(
            parse(text),
            BTreeMap::from([(0x7f00_0000_0000, "default"), (0x7f00_0000_2000, "bind:0")])
        );
    }
}
