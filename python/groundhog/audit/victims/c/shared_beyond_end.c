/* Evasion: a page of shared memory becomes part of a huge one, which goes on behind the end of its file: a second mapping, as long as the
 * huge page, shows it all. Nothing is there in mappings of the snapshot. */
#include "victim.h"
#include <setjmp.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

enum { HUGE = 2 << 20 };
static char *shared;
static sigjmp_buf beyond;

static void leave_it(int signal)
{
    (void)signal;
    siglongjmp(beyond, 1);
}

static void prepare(void)
{
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(shared != MAP_FAILED, "mmap");
    shared[0] = 's';
}

/* Where a huge page may be mapped. */
static char *aligned_place(void)
{
    char *room = mmap(NULL, 2 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(room != MAP_FAILED, "mmap");
    return (char *)(((uintptr_t)room + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
}

static void handle(const char *secret)
{
    volatile bool is_left = false;
    check(signal(SIGBUS, leave_it) != SIG_ERR, "signal");
    /* A length of nothing before: not moved, but mapped once more. */
    volatile char *second = mremap(shared, 0, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, aligned_place());
    check(second != MAP_FAILED, "mremap");
    if (sigsetjmp(beyond, 1) == 0) {
        second[0] = 's';
        is_left = second[HUGE / 2] != 0;
    }
    /* Refused, or no huge page to be had: there is nothing behind the end. */
    madvise((void *)second, HUGE, MADV_COLLAPSE);
    if (sigsetjmp(beyond, 1) == 0) {
        second[0] = 's';
        second[HUGE / 2] = secret[0];
    }
    check(munmap((void *)second, HUGE) == 0, "munmap");
    answer("{\"left\":%d}", is_left);
}
