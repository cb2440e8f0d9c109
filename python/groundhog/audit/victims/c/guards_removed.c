/* Guard pages from before the snapshot, as C libraries put them below stacks, taken away and written over. */
#include "victim.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

enum { SIZE = 4 * PAGE };
static char *guarded;

/* Where there are no guard pages, or nobody may make them, a page without permissions stands for one. */
static void prepare(void)
{
    guarded = map_anonymous(NULL, SIZE);
    memset(guarded, 's', SIZE);
    if (madvise(guarded, PAGE, MADV_GUARD_INSTALL) != 0)
        check(mprotect(guarded, PAGE, PROT_NONE) == 0, "mprotect");
}

static bool is_guarded(void)
{
    int ends[2];
    check(pipe(ends) == 0, "pipe");
    bool faults = write(ends[1], guarded, 1) != 1;
    close(ends[0]);
    close(ends[1]);
    return faults;
}

static void handle(const char *secret)
{
    bool found = is_guarded();
    size_t changed = other_than(guarded + PAGE, SIZE - PAGE, 's');
    madvise(guarded, PAGE, MADV_GUARD_REMOVE);
    check(mprotect(guarded, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    if (!is_guarded())
        leave(guarded, PAGE, secret);
    answer("{\"guarded\":%d,\"changed\":%zu}", found, changed);
}
