/* Settings of prctl(2): parent-death signal off, timer slack, subreaper, no_new_privs. */
#include "attributes.h"

static void describe(char *text, size_t size)
{
    int reaper = 0, death = 0;
    check(prctl(PR_GET_CHILD_SUBREAPER, &reaper) == 0 && prctl(PR_GET_PDEATHSIG, &death) == 0, "prctl");
    snprintf(text, size, "reaper %d, slack %s, death signal %s", reaper,
             prctl(PR_GET_TIMERSLACK) == 12345 ? "12345" : "default", death == SIGURG ? "changed" : "as it was");
}

static void change(const char *secret)
{
    (void)secret;
    check(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 && prctl(PR_SET_TIMERSLACK, 12345) == 0, "prctl");
    check(prctl(PR_SET_PDEATHSIG, SIGURG) == 0, "prctl");
}
