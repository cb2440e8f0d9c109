/* How a thread that is not the first is scheduled: its policy and priority. */
#include "of_thread.h"

static void describe(char *text, size_t size)
{
    snprintf(text, size, "policy %d, nice %d", sched_getscheduler(0), getpriority(PRIO_PROCESS, 0));
}

static void change(const char *secret)
{
    (void)secret;
    check(sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0}) == 0, "sched_setscheduler");
    check(setpriority(PRIO_PROCESS, 0, 19) == 0, "setpriority");
}
