/* Evasion: that a signal tells of input in a pipe of the snapshot, switched on through a duplicate of its descriptor. */
#include "open_files.h"

static int ends[2];

static void prepare(void)
{
    check(pipe2(ends, O_CLOEXEC) == 0, "pipe");
}

static void handle(const char *secret)
{
    int flags = fcntl(ends[0], F_GETFL), number = fcntl(ends[0], F_GETSIG), other = dup(ends[0]);
    if (other >= 0) {
        (void)!fcntl(other, F_SETSIG, SIGRTMIN + number_in(secret) % 8);
        (void)!fcntl(other, F_SETFL, flags | O_ASYNC);
        close(other);
    }
    answer("{\"async\":%d,\"signal\":%d}", (flags & O_ASYNC) != 0, number);
}
