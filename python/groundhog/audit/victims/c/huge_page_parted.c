/* Evasion: memory that is wiped in children (MADV_WIPEONFORK) gives way to some that is not, by a mapping of huge pages, of whose last one
 * nothing but the beginning is named when it is mapped and when it is removed. There need not be any. */
#include "wiping.h"

enum { HUGE = 2 << 20, BEGINNING = 1 };
static char *before, *wiped;

static void prepare(void)
{
    char *all = mmap(NULL, 3 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    check(all != MAP_FAILED && munmap(all, 3 * HUGE) == 0, "mmap, munmap");
    before = all + HUGE - (uintptr_t)all % HUGE;
    wiped = map_anonymous(before + HUGE + HUGE / 2, PAGE);
    check(wiped == before + HUGE + HUGE / 2 && madvise(wiped, PAGE, MADV_WIPEONFORK) == 0, "mmap, madvise");
}

static void handle(const char *secret)
{
    (void)secret;
    int found = left_in_child(wiped), huge = MAP_FIXED | MAP_HUGETLB | MAP_NORESERVE | MAP_PRIVATE | MAP_ANONYMOUS;
    if (mmap(before, HUGE + BEGINNING, PROT_NONE, huge, -1, 0) == before)
        check(mremap(before, HUGE + BEGINNING, HUGE, 0) == before, "mremap");
    else /* it has none, or nobody gets any */
        check(munmap(wiped, PAGE) == 0, "munmap");
    check(map_anonymous(wiped, PAGE) == wiped, "mmap");
    answer("{\"left_in_child\":%d}", found);
}
