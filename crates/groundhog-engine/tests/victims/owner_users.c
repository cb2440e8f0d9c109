/* On whose behalf somebody is told of input in a pipe, where nobody ever was: no user at all, or root, of whom this user may know
 * nothing. */
#include "victim.h"

static int ends[2];

static void prepare(void)
{
    check(pipe2(ends, O_CLOEXEC) == 0, "pipe");
}

static void handle(const char *secret)
{
    (void)secret;
    uid_t users[2] = {0, 0};
    int found = fcntl(ends[0], 17 /* F_GETOWNER_UIDS */, users);
    check(fcntl(ends[0], F_SETSIG, SIGUSR1) == 0 && fcntl(ends[0], F_SETSIG, 0) == 0, "F_SETSIG");
    answer("{\"found\":%d,\"users\":[%d,%d]}", found, (int)users[0], (int)users[1]);
}
