/* Evasion: a child sets the flags of a pipe by a number of its own, a duplicate. */
#include "child.h"

static void prepare(void)
{
    int ends[2];
    check(pipe2(ends, O_CLOEXEC) == 0, "pipe");
    open_twice(ends[0]);
}

static void handle(const char *secret)
{
    int flags = fcntl(SEEN, F_GETFL);
    (void)secret;
    pid_t child = fork();
    if (child == 0) {
        int own = fcntl(SEEN, F_DUPFD_CLOEXEC, 100);
        (void)!fcntl(own, F_SETFL, O_NONBLOCK);
        _exit(0);
    }
    await_end(child);
    answer("{\"blocks\":%d}", (flags & O_NONBLOCK) == 0);
}
