/* The personality of a thread that is not the first, and what is delivered to it after errors of memory. */
#include "of_thread.h"
#include <sys/personality.h>

static void describe(char *text, size_t size)
{
    snprintf(text, size, "person %x, errors %d", personality(0xffffffff) & STICKY_TIMEOUTS,
             prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
}

static void change(const char *secret)
{
    (void)secret;
    personality(personality(0xffffffff) | STICKY_TIMEOUTS);
    prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0);
}
