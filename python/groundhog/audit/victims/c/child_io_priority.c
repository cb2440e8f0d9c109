/* Evasion: a child that shares the I/O context of its maker sets its own I/O priority, which is both's. */
#include "open_files.h"

enum { OF_PROCESS = 1, BEST_EFFORT = 2 << 13 };

static char stack[1 << 14] __attribute__((aligned(16)));
static long wanted;

static void prepare(void)
{
    check(syscall(SYS_ioprio_set, OF_PROCESS, 0, BEST_EFFORT | 4) == 0, "ioprio_set");
}

static int set_priority(void *unused)
{
    (void)unused;
    return syscall(SYS_ioprio_set, OF_PROCESS, 0, wanted) != 0;
}

static void handle(const char *secret)
{
    long found = syscall(SYS_ioprio_get, OF_PROCESS, 0);
    int status;
    wanted = BEST_EFFORT | number_in(secret) % 8;
    pid_t child = clone(set_priority, stack + sizeof stack, CLONE_IO | SIGCHLD, NULL);
    if (child > 0)
        check(waitpid(child, &status, 0) == child && status == 0, "ioprio_set");
    answer("{\"priority\":%ld}", found);
}
