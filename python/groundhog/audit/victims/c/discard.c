/* Snapshot pages given back to the kernel: MADV_DONTNEED alone, then read (zero page), then written; MADV_FREE, which
 * drops pages at any later time (forced here by MADV_PAGEOUT). */
#include "victim.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

enum { SIZE = 8 * PAGE };
static char *dropped, *dropped_read, *dropped_written, *freed;

static char *filled(void)
{
    char *memory = map_anonymous(NULL, SIZE);
    memset(memory, 's', SIZE);
    return memory;
}

static void prepare(void)
{
    dropped = filled();
    dropped_read = filled();
    dropped_written = filled();
    freed = filled();
}

static void handle(const char *secret)
{
    /* What an earlier MADV_FREE marked is really dropped here, not earlier. */
    madvise(freed, SIZE, MADV_PAGEOUT);
    size_t in_dropped = other_than(dropped, SIZE, 's'), in_read = other_than(dropped_read, SIZE, 's');
    size_t in_written = other_than(dropped_written, SIZE, 's'), in_freed = other_than(freed, SIZE, 's');
    check(madvise(dropped + PAGE, 3 * PAGE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
    check(madvise(dropped_read, SIZE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
    (void)other_than(dropped_read, SIZE, 0);
    check(madvise(dropped_written, SIZE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
    leave(dropped_written + PAGE, PAGE, secret);
    /* Where it is not allowed, allocators fall back. */
    check(madvise(freed, SIZE, MADV_FREE) == 0 || madvise(freed, SIZE, MADV_DONTNEED) == 0, "MADV_FREE");
    answer("{\"dropped\":%zu,\"read\":%zu,\"written\":%zu,\"freed\":%zu}", in_dropped, in_read, in_written, in_freed);
}
