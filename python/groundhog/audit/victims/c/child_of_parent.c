/* Evasion: a child of the process's own parent (CLONE_PARENT), which is nobody's to wait for here, writes into shared memory after
 * the answer. */
#include "late.h"

static void handle(const char *secret)
{
    size_t found = look();
    pid_t child = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);
    if (child == 0)
        go_on(secret);
    if (child > 0)
        await_writer();
    answer("{\"changed\":%d}", found != 0);
}
