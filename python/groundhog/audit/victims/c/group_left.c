/* The process leaves its group, and the group that it makes goes on with a child. */
#include "victim.h"

static pid_t group;

static void prepare(void)
{
    group = getpgrp();
}

static void handle(const char *secret)
{
    bool found = getpgrp() != group;
    (void)secret;
    check(setpgid(0, 0) == 0 || errno == EPERM, "setpgid");
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    check(child > 0, "fork");
    answer("{\"left\":%d}", found);
}
