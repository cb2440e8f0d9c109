//! `hot` and `classic`: asynchronous write-protection by userfaultfd, read by `PAGEMAP_SCAN` (Linux 6.7).
//!
//! Every private mapping that the kernel lets us follow is followed, text too, and every page in it that is there is
//! protected. Four questions find all that can have changed, and none walks more than it must:
//!
//! 1. Which mappings are not followed? They must be the same as after the snapshot: a mapping that was replaced by
//!    another one that looks the same has lost its registration.
//! 2. Which pages of followed mappings are written? Pages that were given back count as written too, in anonymous memory.
//! 3. In file mappings with private pages, which pages are private? One that was given back there leaves a marker that
//!    looks protected, and shows the file when it is read.
//! 4. Pages of file mappings that are written and were not private: are they private now, or were they only read?
//!
//! Whether a page is private costs a look at the kernel's page descriptor, which is most of what a scan costs, so only
//! 3 and 4 ask it. After a request that made no call by which mappings change or memory is given back, 1 and 3 are not
//! asked of what is followed. When 1 says that a mapping was lost, or one was mapped anew, everything is asked of everything.

use super::{Run, Scan, Tracker, scanning};
use crate::arch::{ADDRESS_SPACE_END, call};
use crate::error::{OrTrouble, Reason, Step, Trouble};
use crate::memory::layout;
use crate::memory::vma::{Area, AreaKind};
use crate::strategy::Strategy;
use crate::trace::process::Process;
use crate::trace::remote_syscall::Remote;
use groundhog_sys::pagemap_scan::{self, Categories, Query, Region};
use groundhog_sys::pidfd;
use groundhog_sys::userfaultfd::{self, WriteProtector};
use std::ops::Range;

/// Write-protection at work.
#[derive(Debug)]
pub(super) struct WriteProtect {
    strategy: Strategy,
    protector: WriteProtector,
    guard: Categories,
    regions: Vec<Region>,
    /// What was not followed after the snapshot.
    unfollowed: Vec<(u64, u64)>,
    /// Not every page is protected that is not written: everything has to be asked, and protected anew.
    lost: bool,
    /// A mapping lost its registration that was not mapped anew: everything has to be registered anew, too.
    replaced: bool,
    /// Ranges in which private pages are looked for one by one (question 3).
    looked_at: Vec<Looked>,
    /// Ranges in which every page is there, as long as none is given back.
    whole: Vec<(u64, u64)>,
}

/// A range of question 3: mappings of files that lie next to each other.
#[derive(Debug)]
struct Looked {
    start: u64,
    end: u64,
    /// The pages in it that were private at the snapshot.
    private: Vec<(u64, u64)>,
    /// Its mappings are followed, so that writes to it are seen by question 2.
    followed: bool,
}

impl WriteProtect {
    /// Has the process create a userfaultfd, takes it over, and closes it there.
    #[expect(clippy::disallowed_methods, reason = "from here on it is this process's own")]
    pub(super) fn new(strategy: Strategy, remote: &mut Remote<'_>) -> Step<Self> {
        let fd = remote.must("userfaultfd", call::USERFAULTFD, [userfaultfd::CREATE_FLAGS, 0, 0, 0, 0, 0])?;
        let taken = pidfd::duplicate_fd(&*remote.process().pidfd, fd as i32)
            .or_trouble(Reason::Tracking, "taking over its userfaultfd");
        remote.must("close", call::CLOSE, [fd, 0, 0, 0, 0, 0])?;
        let protector =
            WriteProtector::new(taken?).or_trouble(Reason::Tracking, "asking for write-protection")?;
        let guard = scanning::guard_category(remote.process());
        Ok(Self {
            strategy,
            protector,
            guard,
            regions: Vec::new(),
            unfollowed: Vec::new(),
            lost: false,
            replaced: false,
            looked_at: Vec::new(),
            whole: Vec::new(),
        })
    }

    fn query(&mut self, process: &Process, start: u64, end: u64, query: &Query) -> Step<()> {
        self.regions.clear();
        let result = pagemap_scan::scan(&process.files.pagemap, start, end, query, &mut self.regions);
        scanning::checked(result)
    }

    /// Question 1.
    fn ask_unfollowed(&mut self, process: &Process) -> Step<()> {
        let query =
            Query { inverted: Categories::WP_ALLOWED, all: Categories::WP_ALLOWED, ..Query::default() };
        self.query(process, 0, ADDRESS_SPACE_END, &query)
    }

    /// Question 3, for one range: its private pages. Where some are `protected`, none that are in swap or on their way to another
    /// place in memory: a marker looks the same, which was left where a protected page was given back.
    fn ask_private(&mut self, process: &Process, start: u64, end: u64, protected: bool) -> Step<()> {
        let in_swap = if protected { Categories::empty() } else { Categories::SWAPPED };
        let query = Query {
            inverted: Categories::FILE,
            all: Categories::FILE,
            any: Categories::PRESENT | in_swap,
            report: self.guard,
            ..Query::default()
        };
        self.query(process, start, end, &query)?;
        // A marker, too, and no page.
        self.regions.retain(|region| !region.categories().contains(Categories::GUARD));
        Ok(())
    }

    /// All four questions asked of everything.
    fn scan_everything(&mut self, process: &Process, scan: &mut Scan) -> Step<()> {
        let report = Categories::WRITTEN | Categories::WP_ALLOWED | self.guard;
        scan.clear(true);
        scanning::checked(scanning::private_pages(process, report, &mut self.regions))?;
        scanning::fill(&self.regions, scan, |categories| {
            // WRITTEN means nothing where tracking is not (or no longer) on.
            !categories.contains(Categories::WP_ALLOWED) || categories.contains(Categories::WRITTEN)
        });
        Ok(())
    }

    /// Question 2. With `same_layout`, no page was given back.
    fn scan_written(&mut self, process: &Process, same_layout: bool, scan: &mut Scan) -> Step<()> {
        // The kernel answers this one alone without a look at what else there is to say of a page, in a third of the time.
        let quick = Query { all: Categories::WRITTEN, report: Categories::WRITTEN, ..Query::default() };
        scan.clear(false);
        let whole = if same_layout { std::mem::take(&mut self.whole) } else { Vec::new() };
        let mut from = 0;
        for &(start, end) in &whole {
            self.ask_written(process, from, start, scan)?;
            self.query(process, start, end, &quick)?;
            scan.runs.extend(self.regions.iter().map(|region| Run {
                start: region.start,
                end: region.end,
                dirty: true,
                absent: false,
                zero: false,
                swapped: false,
            }));
            from = end;
        }
        if same_layout {
            self.whole = whole;
        }
        self.ask_written(process, from, ADDRESS_SPACE_END, scan)
    }

    fn ask_written(&mut self, process: &Process, start: u64, end: u64, scan: &mut Scan) -> Step<()> {
        let query = Query {
            all: Categories::WRITTEN | Categories::WP_ALLOWED,
            report: Categories::PRESENT | Categories::SWAPPED | Categories::ZERO_PAGE | self.guard,
            ..Query::default()
        };
        self.query(process, start, end, &query)?;
        scanning::fill(&self.regions, scan, |_| true);
        Ok(())
    }

    /// Question 3.
    fn scan_looked_at(&mut self, process: &Process, same_layout: bool, scan: &mut Scan) -> Step<()> {
        let old_len = scan.runs.len();
        for at in 0..self.looked_at.len() {
            if same_layout && self.looked_at[at].followed {
                continue; // nothing was given back
            }
            let Looked { start, end, followed, .. } = self.looked_at[at];
            self.ask_private(process, start, end, followed)?;
            let Looked { private, followed, .. } = &self.looked_at[at];
            if *followed {
                let found = self.regions.iter().map(|region| (region.start, region.end));
                for (start, end) in difference(private, found) {
                    let run = Run { start, end, dirty: true, absent: true, zero: false, swapped: false };
                    scan.runs.push(run);
                }
            } else {
                for Region { start, end, .. } in &self.regions {
                    let run = Run {
                        start: *start,
                        end: *end,
                        dirty: true,
                        absent: false,
                        zero: false,
                        swapped: false,
                    };
                    scan.runs.push(run);
                }
            }
        }
        if scan.runs.len() > old_len {
            scan.runs.sort_unstable_by_key(|run| run.start);
            join_overlaps(&mut scan.runs);
        }
        Ok(())
    }

    /// Protects all that is there in the followed mappings.
    fn protect_present(&mut self, process: &Process) -> Step<()> {
        // Only what is there: markers in what is not would cost page tables, and every scan a walk over them.
        let query =
            Query { all: Categories::PRESENT | Categories::WP_ALLOWED, protect: true, ..Query::default() };
        self.query(process, 0, ADDRESS_SPACE_END, &query)
    }

    /// Has the kernel follow a mapping; says whether it does.
    fn follow(&self, area: &Area) -> bool {
        // Not memory that is zeroed every time: whether it was written makes no difference.
        let kind = matches!(area.kind, AreaKind::Anonymous | AreaKind::File);
        kind && self.protector.register(area.mapping.start, area.mapping.end).is_ok()
    }

    fn follow_again<'a>(&self, areas: impl IntoIterator<Item = &'a Area>) -> Step<()> {
        let mut followed = areas.into_iter().filter(|area| area.followed);
        followed.find(|area| !self.follow(area)).map_or(Ok(()), |area| {
            let message = format!("mapping {:#x} cannot be followed again", area.mapping.start);
            Err(Trouble::Refused(Reason::Tracking, message))
        })
    }

    /// Whether other mappings are not followed than at the snapshot, beside those in some ranges, which are in order. Refuses it of
    /// those that cannot be made again.
    fn has_lost(&mut self, process: &Process, areas: &[Area], beside: &[Range<u64>]) -> Step<bool> {
        self.ask_unfollowed(process)?;
        let now: Vec<_> = self.regions.iter().map(|region| (region.start, region.end)).collect();
        let rest = |whole| difference(whole, beside.iter().map(|range| (range.start, range.end)));
        let (now, before) = (rest(&now), rest(&self.unfollowed));
        if now == before {
            return Ok(false);
        }
        let lost: Vec<_> =
            difference(&now, before.into_iter()).into_iter().map(|(start, end)| start..end).collect();
        let is_lost =
            |area: &&Area| area.followed && area.maker.only.is_some() && layout::meets(&area.mapping, &lost);
        areas.iter().find(is_lost).map_or(Ok(true), |area| Err(area.removed()))
    }

    /// Follows and protects everything anew.
    fn begin_again(&mut self, process: &Process, areas: &[Area]) -> Step<()> {
        if self.replaced {
            self.follow_again(areas)?;
        }
        self.protect_present(process)?;
        if self.has_lost(process, areas, &[])? {
            return Err(Trouble::Refused(Reason::Tracking, "not all that was followed is again".into()));
        }
        (self.lost, self.replaced) = (false, false);
        Ok(())
    }
}

impl Tracker for WriteProtect {
    fn strategy(&self) -> Strategy {
        self.strategy
    }

    fn begin(&mut self, process: &Process, areas: &mut [Area]) -> Step<()> {
        for area in areas.iter_mut() {
            area.followed = self.follow(area);
        }
        self.looked_at.clear();
        for area in areas.iter().filter(|area| area.is_looked_at()) {
            let (start, end, followed) = (area.mapping.start, area.mapping.end, area.followed);
            match self.looked_at.last_mut() {
                Some(last) if last.end == start && last.followed == followed => last.end = end,
                _ => self.looked_at.push(Looked { start, end, private: Vec::new(), followed }),
            }
        }
        for at in 0..self.looked_at.len() {
            let (start, end) = (self.looked_at[at].start, self.looked_at[at].end);
            self.ask_private(process, start, end, false)?;
            self.looked_at[at].private = self.regions.iter().map(|r| (r.start, r.end)).collect();
        }
        self.protect_present(process)?;
        self.ask_unfollowed(process)?;
        self.unfollowed = self.regions.iter().map(|region| (region.start, region.end)).collect();
        Ok(())
    }

    fn note_whole(&mut self, areas: &[Area], mut ranges: Vec<(u64, u64)>) {
        let holds = |area: &Area, (start, end)| area.mapping.start <= start && end <= area.mapping.end;
        ranges.retain(|range| areas.iter().any(|area| area.followed && holds(area, *range)));
        self.whole = ranges;
    }

    fn follow_new(&mut self, process: &Process, areas: &[Area], anew: &[Range<u64>]) -> Step<()> {
        let mut anew = anew.to_vec();
        anew.sort_unstable_by_key(|range| range.start);
        self.lost = true;
        // Before what was mapped anew is followed, which would hide others.
        self.replaced |= self.has_lost(process, areas, &anew)?;
        self.follow_again(areas.iter().filter(|area| self.replaced || layout::meets(&area.mapping, &anew)))
    }

    /// Closing the descriptor would do, were there no copy of it: a child that is being started by another thread of ours
    /// has one until it executes its program.
    fn end(&mut self, process: &Process) {
        let followed = Query { all: Categories::WP_ALLOWED, ..Query::default() };
        let _gone = self.query(process, 0, ADDRESS_SPACE_END, &followed);
        for Region { start, end, .. } in &self.regions {
            let _unmapped = self.protector.unregister(*start, *end);
        }
    }

    fn survey(&mut self, process: &Process, _areas: &[Area], scan: &mut Scan) -> Step<()> {
        self.scan_everything(process, scan)
    }

    fn scan(&mut self, process: &Process, areas: &[Area], same_layout: bool, scan: &mut Scan) -> Step<()> {
        if self.lost {
            return self.scan_everything(process, scan);
        }
        if !same_layout {
            self.replaced = self.has_lost(process, areas, &[])?;
            if self.replaced {
                self.lost = true;
                return self.scan_everything(process, scan);
            }
        }
        self.scan_written(process, same_layout, scan)?;
        self.scan_looked_at(process, same_layout, scan)
    }

    /// Question 4.
    fn private_within(&mut self, process: &Process, start: u64, end: u64) -> Step<Vec<(u64, u64)>> {
        let query = Query {
            inverted: Categories::FILE,
            all: Categories::FILE,
            any: Categories::PRESENT | Categories::SWAPPED,
            report: Categories::PRESENT | Categories::WRITTEN,
            ..Query::default()
        };
        self.query(process, start, end, &query)?;
        // What is in swap and not written is a marker, left where a protected page of the file was given back.
        let private = self.regions.iter().filter(|region| !region.categories().is_empty());
        Ok(private.map(|region| (region.start, region.end)).collect())
    }

    fn protect_all(&mut self, process: &Process, areas: &[Area]) -> Step<()> {
        if self.lost {
            return self.begin_again(process, areas);
        }
        self.protect_present(process)
    }

    fn protect(&mut self, process: &Process, areas: &[Area], ranges: &[(u64, u64)]) -> Step<()> {
        if self.lost {
            return self.begin_again(process, areas);
        }
        for (start, end) in ranges {
            self.protector.protect(*start, *end).or_trouble(Reason::Tracking, "protecting a page")?;
        }
        Ok(())
    }

    fn may_be_replaced(&self) -> bool {
        self.replaced
    }

    fn find_replaced(&mut self, process: &Process, areas: &[Area]) -> Step<bool> {
        self.has_lost(process, areas, &[])
    }

    fn sees_everywhere(&self) -> bool {
        true
    }

    fn is_selective(&self) -> bool {
        self.strategy == Strategy::Hot
    }

    fn must_compare(&self) -> bool {
        false
    }
}

/// The parts of `whole` that `found` does not cover; both ascending.
fn difference(whole: &[(u64, u64)], found: impl Iterator<Item = (u64, u64)>) -> Vec<(u64, u64)> {
    let mut missing = Vec::new();
    let mut found = found.peekable();
    for (start, end) in whole {
        let mut at = *start;
        while at < *end {
            while found.next_if(|(_, found_end)| *found_end <= at).is_some() {}
            let next = found.peek().copied().filter(|(found_start, _)| found_start < end);
            let (found_start, found_end) = next.unwrap_or((*end, *end));
            if found_start > at {
                missing.push((at, found_start));
            }
            at = found_end.min(*end);
        }
    }
    missing
}

/// Makes runs that overlap disjoint: both say that their pages are to be looked after, the first one's word stays.
fn join_overlaps(runs: &mut Vec<Run>) {
    let mut done = 0;
    for run in runs.iter_mut() {
        run.start = run.start.max(done);
        done = done.max(run.end);
    }
    runs.retain(|run| run.start < run.end);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_is_what_is_not_covered() {
        let gaps = |whole: &[(u64, u64)], found: &[(u64, u64)]| difference(whole, found.iter().copied());
        assert_eq!(gaps(&[(0, 10)], &[]), [(0, 10)]);
        assert_eq!(gaps(&[(0, 10)], &[(0, 10)]), []);
        assert_eq!(gaps(&[(2, 10)], &[(0, 3), (5, 6), (9, 20)]), [(3, 5), (6, 9)]);
        assert_eq!(gaps(&[(0, 2), (4, 6)], &[(1, 5)]), [(0, 1), (5, 6)]);
    }

    #[test]
    fn overlapping_runs_become_disjoint() {
        let run = |start, end| Run { start, end, dirty: true, absent: false, zero: false, swapped: false };
        let mut runs = vec![run(0, 4), run(2, 6), run(3, 4), run(8, 9)];
        join_overlaps(&mut runs);
        let ranges: Vec<_> = runs.iter().map(|run| (run.start, run.end)).collect();
        assert_eq!(ranges, [(0, 4), (4, 6), (8, 9)]);
    }
}
