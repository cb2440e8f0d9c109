/* Stops itself by job control in the middle of a request, and goes on as if nothing had been. */
#include "case.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    static int requests;
    (void)secret;
    raise(SIGSTOP);
    pid_t child = fork();
    if (child == 0) {
        raise(SIGSTOP);
        _exit(0);
    }
    check(child > 0 && waitpid(child, NULL, 0) == child, "a child that stopped itself");
    raise(SIGSTOP);
    answer("{\"requests\":%d}", requests++);
}
