/* Signals that waited, blocked, at the snapshot, of which a request takes one. */
#include "victim.h"

enum { WAITING = 3 };
static sigset_t set;

static void prepare(void)
{
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    check(sigprocmask(SIG_BLOCK, &set, NULL) == 0, "sigprocmask");
    for (int at = 0; at < WAITING; at++)
        check(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = at}) == 0, "sigqueue");
}

/* The next one's value; the others stay in their order. */
static void handle(const char *secret)
{
    siginfo_t next = {0};
    (void)secret;
    bool found = sigtimedwait(&set, &next, &(struct timespec){0}) > 0;
    answer("{\"waiting\":%d,\"value\":%d}", found, next.si_value.sival_int);
}
