/* Evasion: a daemon (forked twice, in a session of its own, with every descriptor closed, hard to look into) writes into shared memory
 * after the answer. */
#include "late.h"

static void handle(const char *secret)
{
    size_t found = look();
    pid_t child = fork();
    if (child == 0) {
        setsid();
        if (fork() != 0)
            _exit(0);
        close_range(0, ~0U, 0);
        prctl(PR_SET_DUMPABLE, 0);
        prctl(PR_SET_NAME, "innocent");
        go_on(secret);
    }
    check(child > 0 && waitpid(child, NULL, 0) == child, "a child");
    await_writer();
    answer("{\"changed\":%d}", found != 0);
}
