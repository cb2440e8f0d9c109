//! The other end of a pair of Unix sockets, told by its inode number where the kernel has no `unix_diag`.
//!
//! Both ends are made by one call, one after the other, so that their numbers are next to each other, unless another
//! processor's came between. Several pairs made in a row have a row of numbers, in which they are told apart from its
//! start. Where that leaves a doubt there is no answer, and the socket counts as one whose other end is elsewhere. (A socket
//! for datagrams does not tell that its other end is gone. Nothing can come to two such, so they may pass for a pair.)

use groundhog_proc::unix_sockets::Nameless;
use groundhog_sys::Tid;

/// A socket that may be an end of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) inode: u64,
    kind: i32,
    /// The process that made the pair, if the socket is at hand.
    pub(super) maker: Option<Tid>,
}

impl End {
    /// One of which only the table tells.
    pub(super) fn unknown(socket: Nameless) -> Self {
        Self { inode: socket.inode, kind: socket.kind, maker: None }
    }

    /// One at hand, which tells who made it.
    pub(super) fn held(socket: Nameless, maker: Option<Tid>) -> Self {
        Self { maker, ..Self::unknown(socket) }
    }
}

/// The other end, among all that could be one, in the order of their numbers.
pub(super) fn twin(inode: u64, ends: &[End]) -> Option<End> {
    let own = ends.binary_search_by_key(&inode, |end| end.inode).ok()?;
    let follows = |first: &End, second: &End| first.inode + 1 == second.inode && first.kind == second.kind;
    let before = ends[..=own].windows(2).rev().take_while(|two| follows(&two[0], &two[1])).count();
    let after = ends[own..].windows(2).take_while(|two| follows(&two[0], &two[1])).count();
    if (before + 1 + after) % 2 == 1 {
        return None;
    }
    let other = ends[if before % 2 == 0 { own + 1 } else { own - 1 }];
    // Two sockets at hand that different processes made are no pair.
    let differ = ends[own].maker.zip(other.maker).is_some_and(|(one, another)| one != another);
    (!differ).then_some(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: i32 = 1;
    const PACKETS: i32 = 5;

    fn ends(numbers: &[u64]) -> Vec<End> {
        numbers.iter().map(|inode| End { inode: *inode, kind: STREAM, maker: Some(Tid(1)) }).collect()
    }

    fn twin_among(inode: u64, numbers: &[u64]) -> Option<u64> {
        twin(inode, &ends(numbers)).map(|end| end.inode)
    }

    #[test]
    fn the_ends_of_a_pair_are_next_to_each_other() {
        assert_eq!(twin_among(7, &[3, 7, 8, 12]), Some(8));
        assert_eq!(twin_among(8, &[3, 7, 8, 12]), Some(7));
        assert_eq!(twin_among(7, &[3, 7, 9]), None);
        assert_eq!(twin_among(7, &[3, 9]), None);
    }

    #[test]
    fn pairs_in_a_row_are_told_apart_from_its_start() {
        let row = [4, 7, 8, 9, 10, 11, 12, 20];
        let twins: Vec<_> = (7..=12).map(|inode| twin_among(inode, &row)).collect();
        assert_eq!(twins, [Some(8), Some(7), Some(10), Some(9), Some(12), Some(11)]);
    }

    #[test]
    fn one_too_many_leaves_all_in_doubt() {
        assert!((7..=9).all(|inode| twin_among(inode, &[7, 8, 9]).is_none()));
    }

    #[test]
    fn another_kind_ends_a_row() {
        let mut all = ends(&[7, 8, 9]);
        all[2].kind = PACKETS;
        assert_eq!(twin(7, &all).map(|end| end.inode), Some(8));
        assert_eq!(twin(9, &all), None);
    }

    #[test]
    fn different_makers_make_no_pair() {
        let mut all = ends(&[7, 8]);
        all[1].maker = Some(Tid(2));
        assert_eq!(twin(7, &all), None);
        all[1].maker = None; // of another process
        assert_eq!(twin(7, &all), Some(all[1]));
    }
}
