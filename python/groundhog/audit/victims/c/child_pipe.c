/* Evasion: a child sets how much a pipe holds, and which signal tells whom of input, with the function's number closed. */
#include "child.h"

static void prepare(void)
{
    int ends[2];
    check(pipe2(ends, O_CLOEXEC) == 0, "pipe");
    open_twice(ends[0]);
}

static void act(const char *secret)
{
    (void)!fcntl(ACTED, F_SETPIPE_SZ, PAGE << (1 + number_in(secret) % 3));
    (void)!fcntl(ACTED, F_SETSIG, SIGRTMIN + number_in(secret) % 8);
    (void)!fcntl(ACTED, F_SETOWN, getppid());
}

static void handle(const char *secret)
{
    int size = fcntl(SEEN, F_GETPIPE_SZ), number = fcntl(SEEN, F_GETSIG), owner = fcntl(SEEN, F_GETOWN);
    by_child(act, secret);
    answer("{\"size\":%d,\"signal\":%d,\"owned\":%d}", size, number, owner != 0);
}
