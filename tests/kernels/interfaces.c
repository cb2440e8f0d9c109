/*
 * What the engine relies on from the kernel, one fact a test. Run with the interfaces that the kernel must have:
 *
 *     interfaces [soft-dirty] [wp-async]
 *
 * An interface that is named and not there fails, and so does one that is there and not named: then the list of
 * kernels is out of date. Output is that of Rust's test harness.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <signal.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 8

/* linux/fs.h of 6.7 and later; the headers here may be older. */
struct pm_scan_arg {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
struct page_region { uint64_t start, end, categories; };
#define PAGEMAP_SCAN _IOWR('f', 16, struct pm_scan_arg)
enum { WPALLOWED = 1, WRITTEN = 2, FILE_BACKED = 4, PRESENT = 8, SWAPPED = 16, ZERO = 32, CATEGORIES = 63 };
enum { WP_MATCHING = 1, CHECK_WPASYNC = 2 };
#define FEATURE_WP_UNPOPULATED (1ULL << 13)
#define FEATURE_WP_ASYNC (1ULL << 15)
#define USER_MODE_ONLY 1

/* Bits of /proc/PID/pagemap. */
#define BIT_SOFT_DIRTY (1ULL << 55)
#define BIT_EXCLUSIVE (1ULL << 56)
#define BIT_FILE (1ULL << 61)
#define BIT_PRESENT (1ULL << 63)

static int pagemap, tracker = -1, passed, failed;
static volatile char sink;

static void check(bool holds, const char *name) {
    printf("test %s ... %s\n", name, holds ? "ok" : "FAILED");
    holds ? passed++ : failed++;
}

static void *need(void *mapping) {
    if (mapping == MAP_FAILED) { perror("mmap"); exit(2); }
    return mapping;
}

static char *anonymous(void) {
    char *at = need(mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    madvise(at, PAGES * PAGE, MADV_NOHUGEPAGE);
    return at;
}

static char *filled(void) { return memset(anonymous(), 1, PAGES * PAGE); }

/* A private mapping of a file that holds sevens. */
static char *of_file(void) {
    char name[] = "/tmp/interfaces-XXXXXX", content[PAGES * PAGE];
    memset(content, 7, sizeof content);
    int fd = mkstemp(name);
    if (fd < 0 || write(fd, content, sizeof content) != sizeof content) { perror(name); exit(2); }
    unlink(name);
    char *at = need(mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
    close(fd);
    return at;
}

static uint64_t entry(const char *page) {
    uint64_t bits = 0;
    if (pread(pagemap, &bits, 8, (off_t)((uintptr_t)page / PAGE * 8)) != 8) { perror("pagemap"); exit(2); }
    return bits;
}

static bool entry_is(const char *page, uint64_t set, uint64_t clear) {
    return (entry(page) & (set | clear)) == set;
}

static long scan(const char *at, int pages, uint64_t flags, uint64_t mask, struct page_region *found) {
    struct pm_scan_arg arg = {.size = sizeof arg, .flags = flags, .start = (uintptr_t)at,
        .end = (uintptr_t)at + (uint64_t)pages * PAGE, .vec = (uintptr_t)found, .vec_len = found ? PAGES : 0,
        .category_mask = mask, .return_mask = found ? CATEGORIES : 0};
    return ioctl(pagemap, PAGEMAP_SCAN, &arg);
}

static bool categories_are(const char *page, uint64_t expected) {
    struct page_region found[PAGES];
    return scan(page, 1, 0, 0, found) == 1 && found[0].categories == expected;
}

static int open_tracker(void) {
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | USER_MODE_ONLY);
    struct uffdio_api api = {.api = UFFD_API, .features = FEATURE_WP_ASYNC | FEATURE_WP_UNPOPULATED};
    if (fd >= 0 && ioctl(fd, UFFDIO_API, &api) < 0) { close(fd); return -1; }
    return fd;
}

static int register_with(int fd, char *at) {
    struct uffdio_register wanted = {.range = {(uintptr_t)at, PAGES * PAGE}, .mode = UFFDIO_REGISTER_MODE_WP};
    return ioctl(fd, UFFDIO_REGISTER, &wanted);
}

static char *protect(char *at) {
    struct uffdio_writeprotect wanted = {{(uintptr_t)at, PAGES * PAGE}, UFFDIO_WRITEPROTECT_MODE_WP};
    if (register_with(tracker, at) < 0 || ioctl(tracker, UFFDIO_WRITEPROTECT, &wanted) < 0) {
        perror("write-protect");
        exit(2);
    }
    return at;
}

static char *moved(char *at) {
    char *to = anonymous();
    return need(mremap(at, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to));
}

static void map_again(char *at) {
    need(mmap(at, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

static void kernel_writes(char *page) {
    int ends[2];
    if (pipe(ends) < 0 || write(ends[1], "x", 1) != 1 || read(ends[0], page, 1) != 1) { perror("pipe"); exit(2); }
    close(ends[0]);
    close(ends[1]);
}

static int in_child(int (*what)(char *), char *page) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) _exit(what(page));
    int status;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int write_to_parent(char *page) {
    struct iovec here = {"y", 1}, there = {page, 1};
    return process_vm_writev(getppid(), &here, 1, &there, 1, 0) == 1 ? 0 : 1;
}

static int lost_tracking(char *page) {
    pagemap = open("/proc/self/pagemap", O_RDONLY);
    return categories_are(page, WRITTEN | PRESENT) ? 0 : 1;
}

static bool clear_soft_dirty(void) {
    int fd = open("/proc/self/clear_refs", O_WRONLY);
    bool done = fd >= 0 && write(fd, "4", 1) == 1;
    close(fd);
    return done;
}

/* The self-test that every strategy needs: a kernel without the option takes the "4" and reports nothing. */
static bool has_soft_dirty(void) {
    char *at = filled();
    if (!clear_soft_dirty()) return false;
    *at = 2;
    return entry_is(at, BIT_SOFT_DIRTY, 0) && entry_is(at + PAGE, 0, BIT_SOFT_DIRTY);
}

static void soft_dirty(void) {
    char *at = filled(), *untouched = anonymous(), *gone = filled(), *away = filled(), *file = of_file();
    memset(file, 8, PAGES * PAGE);
    check(entry_is(at, BIT_SOFT_DIRTY, 0), "soft_dirty::everything_is_dirty_before_the_first_clear");
    clear_soft_dirty();
    sink = at[0];
    check(entry_is(at, 0, BIT_SOFT_DIRTY), "soft_dirty::a_read_is_not_a_write");
    at[PAGE] = 2;
    check(entry_is(at + PAGE, BIT_SOFT_DIRTY, 0), "soft_dirty::a_write_is_seen");
    kernel_writes(at + 2 * PAGE);
    check(entry_is(at + 2 * PAGE, BIT_SOFT_DIRTY, 0), "soft_dirty::a_system_call_that_writes_is_seen");
    check(in_child(write_to_parent, at + 3 * PAGE) == 0 && entry_is(at + 3 * PAGE, BIT_SOFT_DIRTY, 0),
        "soft_dirty::a_write_by_another_process_is_seen");
    check(entry_is(at + 4 * PAGE, 0, BIT_SOFT_DIRTY), "soft_dirty::a_fork_is_not_a_write");
    sink = untouched[0];
    check(entry_is(untouched, BIT_PRESENT, BIT_SOFT_DIRTY | BIT_EXCLUSIVE), "soft_dirty::a_new_zero_page_is_not_dirty");
    map_again(gone);
    check(entry_is(gone, BIT_SOFT_DIRTY, BIT_PRESENT), "soft_dirty::a_new_mapping_at_an_old_address_is_dirty");
    check(entry_is(moved(moved(away)), BIT_SOFT_DIRTY | BIT_PRESENT, 0), "soft_dirty::a_moved_mapping_is_dirty");
    /* Not told by the soft-dirty bit: the engine must compare these bits with the snapshot's. */
    madvise(at + 5 * PAGE, PAGE, MADV_DONTNEED);
    sink = at[5 * PAGE];
    check(entry_is(at + 5 * PAGE, BIT_PRESENT, BIT_SOFT_DIRTY | BIT_EXCLUSIVE) && entry_is(at, BIT_EXCLUSIVE, 0),
        "soft_dirty::a_dropped_page_read_again_differs_in_the_exclusive_bit_only");
    madvise(file, PAGE, MADV_DONTNEED);
    sink = file[0];
    check(entry_is(file, BIT_PRESENT | BIT_FILE, BIT_SOFT_DIRTY) && entry_is(file + PAGE, BIT_PRESENT, BIT_FILE),
        "soft_dirty::a_dropped_private_copy_differs_in_the_file_bit_only");
}

static void write_protect_async(void) {
    struct page_region found[PAGES];
    char *at = protect(filled()), *empty = protect(anonymous()), *file = of_file();
    sink = at[0];
    check(categories_are(at, WPALLOWED | PRESENT), "wp_async::a_read_is_not_a_write");
    at[PAGE] = 2;
    check(categories_are(at + PAGE, WPALLOWED | WRITTEN | PRESENT), "wp_async::a_write_is_seen");
    kernel_writes(at + 2 * PAGE);
    check(categories_are(at + 2 * PAGE, WPALLOWED | WRITTEN | PRESENT), "wp_async::a_system_call_that_writes_is_seen");
    check(in_child(write_to_parent, at + 3 * PAGE) == 0 && categories_are(at + 3 * PAGE, WPALLOWED | WRITTEN | PRESENT),
        "wp_async::a_write_by_another_process_is_seen");
    madvise(at + 4 * PAGE, PAGE, MADV_DONTNEED);
    check(categories_are(at + 4 * PAGE, WPALLOWED | WRITTEN), "wp_async::a_dropped_page_is_written_and_not_present");
    sink = at[4 * PAGE];
    check(categories_are(at + 4 * PAGE, WPALLOWED | WRITTEN | PRESENT | ZERO), "wp_async::and_zero_when_read_again");
    madvise(at + 5 * PAGE, PAGE, MADV_FREE);
    check(categories_are(at + 5 * PAGE, WPALLOWED | PRESENT), "wp_async::lazily_freed_pages_are_not_told");
    check(in_child(lost_tracking, at + 6 * PAGE) == 0, "wp_async::a_forked_child_is_not_tracked");
    check(categories_are(at + 6 * PAGE, WPALLOWED | PRESENT), "wp_async::its_parent_still_is");

    check(categories_are(empty, WPALLOWED | SWAPPED), "wp_async::protecting_an_absent_page_leaves_a_marker");
    sink = empty[0];
    check(categories_are(empty, WPALLOWED | PRESENT | ZERO), "wp_async::a_marker_read_is_a_protected_zero_page");
    empty[PAGE] = 1;
    check(categories_are(empty + PAGE, WPALLOWED | WRITTEN | PRESENT), "wp_async::a_marker_written_is_a_new_page");

    char *unmarked = anonymous();
    register_with(tracker, unmarked);
    unmarked[PAGE] = 1;
    check(scan(unmarked, PAGES, WP_MATCHING | CHECK_WPASYNC, PRESENT, found) == 1
            && categories_are(unmarked + PAGE, WPALLOWED | PRESENT) && categories_are(unmarked, WPALLOWED | WRITTEN),
        "wp_async::a_scan_for_present_pages_protects_no_absent_ones");

    file[0] = 8;
    protect(file);
    check(categories_are(file, WPALLOWED | PRESENT), "wp_async::a_private_copy_is_not_file");
    sink = file[PAGE];
    check(categories_are(file + PAGE, WPALLOWED | FILE_BACKED | PRESENT), "wp_async::an_untouched_file_page_is");
    madvise(file, PAGE, MADV_DONTNEED);
    check(categories_are(file, WPALLOWED | SWAPPED), "wp_async::a_dropped_private_copy_is_not_told_as_written");
    sink = file[0];
    check(categories_are(file, WPALLOWED | FILE_BACKED | PRESENT), "wp_async::and_silently_the_files_when_read");

    char *gone = protect(filled()), *away = moved(protect(filled())), *orphan = filled();
    map_again(gone);
    check(scan(gone, 1, CHECK_WPASYNC, WRITTEN, NULL) < 0 && errno == EPERM, "wp_async::mapping_again_loses_tracking");
    check(scan(away, 1, CHECK_WPASYNC, WRITTEN, NULL) < 0 && errno == EPERM, "wp_async::moving_loses_tracking");
    check(scan(away, 1, WP_MATCHING, PRESENT, found) == 0, "wp_async::and_is_silent_about_it_unless_asked");
    int other = open_tracker();
    check(register_with(other, at) < 0 && errno == EBUSY, "wp_async::two_trackers_exclude_each_other");
    register_with(other, orphan);
    check(categories_are(orphan, WPALLOWED | WRITTEN | PRESENT), "wp_async::registered_is_written_until_protected");
    close(other);
    check(categories_are(orphan, WRITTEN | PRESENT), "wp_async::closing_the_tracker_ends_tracking");
}

/* A thread that was stopped runs on with its true CPU in its rseq area, whatever the tracer wrote there. */
static bool rseq_is_rewritten(void) {
    volatile uint32_t *area = (void *)((char *)__builtin_thread_pointer() + __rseq_offset);
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    int ends[2], status;
    if (__rseq_size == 0 || pipe(ends) < 0) return false;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        sched_setaffinity(0, sizeof first, &first);
        bool told = read(ends[0], &byte, 1) == 1;
        _exit(told && area[0] == 0 && area[1] == 0 ? 0 : 1);
    }
    uint32_t stale[2] = {77, 77};
    struct iovec here = {stale, sizeof stale}, there = {(void *)area, sizeof stale};
    bool done = ptrace(PTRACE_SEIZE, child, 0, 0) == 0 && ptrace(PTRACE_INTERRUPT, child, 0, 0) == 0
        && waitpid(child, &status, __WALL) == child && WIFSTOPPED(status)
        && process_vm_writev(child, &here, 1, &there, 1, 0) == sizeof stale
        && ptrace(PTRACE_DETACH, child, 0, 0) == 0 && write(ends[1], "x", 1) == 1;
    if (!done) kill(child, 9);
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0 && done;
}

static bool named(const char *name, int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0) return true;
    return false;
}

int main(int argc, char **argv) {
    pagemap = open("/proc/self/pagemap", O_RDONLY);
    tracker = open_tracker();
    bool dirty = has_soft_dirty(), async = tracker >= 0 && scan(anonymous(), 1, 0, 0, NULL) >= 0;
    check(dirty == named("soft-dirty", argc, argv), "soft_dirty::is_there_exactly_where_expected");
    check(async == named("wp-async", argc, argv), "wp_async::is_there_exactly_where_expected");
    if (dirty) soft_dirty();
    if (async) write_protect_async();
    check(rseq_is_rewritten(), "rseq::the_kernel_rewrites_a_stale_cpu");
    printf("test result: %s. %d passed; %d failed; 0 ignored\n", failed ? "FAILED" : "ok", passed, failed);
    return failed ? 1 : 0;
}
