/* Evasion: the same policy, but children get the usual one (SCHED_RESET_ON_FORK), which only a privileged process takes back. */
#include "attributes.h"

static void describe(char *text, size_t size)
{
    int policy = sched_getscheduler(0);
    snprintf(text, size, "policy %d, reset %d", policy & ~SCHED_RESET_ON_FORK, !!(policy & SCHED_RESET_ON_FORK));
}

static void change(const char *secret)
{
    (void)secret;
    check(sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &(struct sched_param){0}) == 0 || errno == EPERM,
          "sched_setscheduler");
}
