/* Settings of prctl(2): parent-death signal, timer slack, subreaper, capabilities kept, huge pages, memory errors, the time
 * stamp counter; and of personality(2). */
#include "attributes.h"
#include <sys/personality.h>

static void describe(char *text, size_t size)
{
    int reaper = 0, death = 0;
    check(prctl(PR_GET_CHILD_SUBREAPER, &reaper) == 0 && prctl(PR_GET_PDEATHSIG, &death) == 0, "prctl");
    int stamps = 0;
    check(prctl(PR_GET_TSC, &stamps) == 0, "prctl");
    snprintf(text, size, "reaper %d, slack %s, death signal %s, keeps %d, huge %d, errors %d, stamps %d, person %x", reaper,
             prctl(PR_GET_TIMERSLACK) == 12345 ? "12345" : "default", death == SIGURG ? "changed" : "as it was",
             prctl(PR_GET_KEEPCAPS), prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), prctl(PR_MCE_KILL_GET, 0, 0, 0, 0),
             stamps, personality(0xffffffff) & STICKY_TIMEOUTS);
}

static void change(const char *secret)
{
    (void)secret;
    check(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 && prctl(PR_SET_TIMERSLACK, 12345) == 0, "prctl");
    check(prctl(PR_SET_PDEATHSIG, SIGURG) == 0 && prctl(PR_SET_KEEPCAPS, 1) == 0, "prctl");
    check(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0, "prctl");
    check(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0) == 0, "prctl");
    check(personality(personality(0xffffffff) | STICKY_TIMEOUTS) >= 0, "personality");
    check(prctl(PR_SET_TSC, PR_TSC_SIGSEGV) == 0, "prctl");
}
