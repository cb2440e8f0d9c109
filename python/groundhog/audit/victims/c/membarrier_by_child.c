/* Evasion: a child that shares the memory registers it for membarrier(2), for ever. */
#include "victim.h"

enum { PRIVATE_EXPEDITED_SYNC = 1 << 5, REGISTER = 1 << 6 };
static char stack[64 << 10];

static void prepare(void) {}

static int change(void *unused)
{
    (void)unused;
    syscall(SYS_membarrier, REGISTER, 0, 0);
    return 0;
}

static void handle(const char *secret)
{
    int status;
    (void)secret;
    /* An expedited barrier needs a registration. */
    bool found = syscall(SYS_membarrier, PRIVATE_EXPEDITED_SYNC, 0, 0) == 0;
    pid_t child = clone(change, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
    check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child");
    answer("{\"barrier\":%d}", found);
}
