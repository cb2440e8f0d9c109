/* Guard pages put over snapshot pages: maps does not show them. On a kernel without them the pages are just dropped. */
#include "victim.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum { SIZE = 8 * PAGE };
static char *guarded;

static void prepare(void)
{
    guarded = map_anonymous(NULL, SIZE);
    memset(guarded, 's', SIZE);
}

/* A guard page faults on access: the kernel looks for us, through a pipe. */
static size_t spoiled(void)
{
    size_t count = 0;
    int ends[2];
    check(pipe(ends) == 0, "pipe");
    for (size_t at = 0; at < SIZE; at += PAGE) {
        char byte = 0;
        bool readable = write(ends[1], guarded + at, 1) == 1 && read(ends[0], &byte, 1) == 1;
        count += !readable || byte != 's';
    }
    close(ends[0]);
    close(ends[1]);
    return count;
}

static void handle(const char *secret)
{
    (void)secret;
    size_t found = spoiled();
    if (madvise(guarded + PAGE, 2 * PAGE, MADV_GUARD_INSTALL) != 0)
        check(madvise(guarded + PAGE, 2 * PAGE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
    answer("{\"spoiled\":%zu}", found);
}
