//! Private memory: pitfalls 2, 3, 5, 8 and 14.

use crate::harness::{
    Start, alone, answers_stay_the_same, for_each_strategy, leaks_by_itself, nothing_like_it_here, reverts,
    reverts_few_pages, strategies,
};
use groundhog_engine::Strategy;
use std::process::Command;

#[test]
fn heap_globals_and_thread_locals() {
    for name in ["count", "globals", "heap", "uninitialised", "thread_local"] {
        reverts(name, &[]);
    }
}

#[test]
fn what_lies_below_the_stack_pointer() {
    reverts("dead_stack", &[]);
}

#[test]
fn a_stack_that_grew() {
    reverts("deep_recursion", &[]);
}

#[test]
fn what_the_kernel_writes_for_the_process() {
    reverts("kernel_writes", &[]);
}

/// A kernel that does not write there leaves it to the process.
#[test]
fn what_only_newer_kernels_write_for_a_thread() {
    for_each_strategy("rseq_fields", &[], |victim| drop(answers_stay_the_same(victim)));
}

#[test]
fn pages_given_back_written_after_it_or_only_read() {
    reverts("discard", &[]);
}

#[test]
fn pages_of_zeros_in_all_their_forms() {
    reverts("zero_pages", &[]);
}

#[test]
fn private_pages_of_files_written_and_given_back() {
    reverts("private_file", &[]);
}

#[test]
fn private_pages_lost_with_the_end_of_their_file() {
    for how in [&["by_descriptor", ""], &["by_descriptor", "read"], &["by_name", ""]] {
        reverts("truncated", how);
    }
}

#[test]
fn huge_pages_split_and_joined() {
    reverts("huge_pages", &[]);
}

/// From this size on the engine puts pages together itself, for the one strategy.
#[test]
fn a_large_heap_in_huge_pages() {
    let _one_at_a_time = alone();
    if !strategies().contains(&Strategy::Hot) {
        return nothing_like_it_here("no write-protection");
    }
    for how in ["writes", ""] {
        leaks_by_itself("large_heap", &[how]);
        let mut victim = Start::of("large_heap", &[how]).with(Strategy::Hot);
        answers_stay_the_same(&mut victim);
        let wanted =
            std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").unwrap_or_default();
        if how == "writes" && !switched_off() && !wanted.is_empty() && !wanted.contains("[never]") {
            let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", victim.tracee.pid()));
            let text = text.expect("it lives");
            let huge = text.lines().find_map(|line| line.strip_prefix("AnonHugePages:"));
            let kib: u64 =
                huge.and_then(|rest| rest.trim().strip_suffix(" kB")).map_or(0, |n| n.parse().unwrap_or(0));
            assert!(kib >= 32 << 10, "those that no request wrote are still huge: {text}");
        }
    }
}

fn switched_off() -> bool {
    std::env::var("GROUNDHOG_WITHOUT").is_ok_and(|names| names.contains("huge-pages"))
}

/// As on kernels that do not put pages together.
#[test]
fn a_large_heap_in_pages() {
    if switched_off() {
        return;
    }
    let output = Command::new(std::env::current_exe().expect("this executable"))
        .args(["memory::a_large_heap_in_huge_pages", "--exact"])
        .env("GROUNDHOG_WITHOUT", "huge-pages")
        .output()
        .expect("this executable starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn text_and_constants_written_through_proc() {
    reverts("text_patched", &[]);
    reverts("patched", &["constants"]);
}

/// The page map scan fills its vector several times over.
#[test]
fn more_regions_than_one_scan_returns() {
    reverts("fragments", &[]);
}

#[test]
fn a_gibibyte_with_a_page_here_and_there() {
    reverts_few_pages("sparse");
}

/// In the steady state no write of a request costs it a fault, and nothing is protected again.
#[test]
fn pages_that_every_request_writes_become_hot() {
    for_each_strategy("count", &[], |victim| {
        if victim.tracee.strategy() != Strategy::Hot {
            return;
        }
        let reports = answers_stay_the_same(victim);
        let (first, last) = (&reports[0], &reports[reports.len() - 1]);
        assert!(first.pages_faulted > 0 && first.pages_hot == 0, "{first:?}");
        assert_eq!((last.pages_faulted, last.pages_protected), (0, 0), "{last:?}");
        assert!(last.pages_hot >= first.pages_faulted, "{last:?}");
    });
}

/// `classic` is the published way: everything written is protected again, every time.
#[test]
fn classic_protects_everything_again() {
    for_each_strategy("count", &[], |victim| {
        if victim.tracee.strategy() == Strategy::Classic {
            let reports = answers_stay_the_same(victim);
            assert!(reports.iter().all(|report| report.pages_faulted > 0 && report.pages_hot == 0));
        }
    });
}
