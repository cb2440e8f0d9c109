/* Evasion: a child that no tracer may see (CLONE_UNTRACED) writes into shared memory after the answer. */
#include "late.h"

enum { UNTRACED = 0x00800000 };

static void handle(const char *secret)
{
    size_t found = look();
    pid_t child = (pid_t)syscall(SYS_clone, UNTRACED | SIGCHLD, NULL, NULL, NULL, 0);
    if (child == 0)
        go_on(secret);
    if (child > 0)
        await_writer();
    answer("{\"changed\":%d}", found != 0);
}
