/* The personality of a thread that is not the first, what is delivered to it after errors of memory, and whether it may read the time
 * stamp counter. */
#include "of_thread.h"
#include <sys/personality.h>

static void describe(char *text, size_t size)
{
    int stamps = 0;
    check(prctl(PR_GET_TSC, &stamps) == 0, "prctl");
    snprintf(text, size, "person %x, errors %d, stamps %d", personality(0xffffffff) & STICKY_TIMEOUTS,
             prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), stamps);
}

static void change(const char *secret)
{
    (void)secret;
    personality(personality(0xffffffff) | STICKY_TIMEOUTS);
    prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0);
    prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
}
