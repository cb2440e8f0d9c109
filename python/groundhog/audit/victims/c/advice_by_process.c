/* Advice by process_madvise(2) to itself (Linux 6.13): pages given back, and guard pages. */
#include "victim.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum { SIZE = 8 * PAGE };
static char *dropped, *guarded;

static void prepare(void)
{
    dropped = map_anonymous(NULL, 2 * SIZE);
    guarded = dropped + SIZE;
    memset(dropped, 's', 2 * SIZE);
}

/* A guard page faults on access: the kernel looks for us, through a pipe. */
static size_t spoiled(const char *memory)
{
    size_t count = 0;
    int ends[2];
    check(pipe(ends) == 0, "pipe");
    for (size_t at = 0; at < SIZE; at += PAGE) {
        char byte = 0;
        bool readable = write(ends[1], memory + at, 1) == 1 && read(ends[0], &byte, 1) == 1;
        count += !readable || byte != 's';
    }
    close(ends[0]);
    close(ends[1]);
    return count;
}

static void advise(int process, char *memory, int advice)
{
    struct iovec range = {memory + PAGE, 2 * PAGE};
    if (syscall(SYS_process_madvise, process, &range, 1, advice, 0) != 2 * PAGE)
        check(madvise(memory + PAGE, 2 * PAGE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
}

static void handle(const char *secret)
{
    (void)secret;
    size_t in_dropped = spoiled(dropped), in_guarded = spoiled(guarded);
    int process = (int)syscall(SYS_pidfd_open, getpid(), 0);
    check(process >= 0, "pidfd_open");
    advise(process, dropped, MADV_DONTNEED);
    advise(process, guarded, MADV_GUARD_INSTALL);
    close(process);
    answer("{\"dropped\":%zu,\"guarded\":%zu}", in_dropped, in_guarded);
}
