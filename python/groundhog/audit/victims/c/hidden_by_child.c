/* Evasion: a child that shares the memory writes it and makes it look clean; its descriptors are its own, so that no number of
 * the process tells. */
#include "hidden.h"

static char stack[64 << 10];

static int work(void *secret)
{
    int faults = ready(own_faults());
    leave(hidden + PAGE, PAGE, secret);
    protect(faults);
    return 0;
}

static void handle(const char *secret)
{
    int status;
    size_t found = other_than(hidden, SIZE, 's');
    pid_t child = clone(work, stack + sizeof stack, CLONE_VM | SIGCHLD, (void *)secret);
    check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child");
    answer("{\"changed\":%zu}", found);
}
