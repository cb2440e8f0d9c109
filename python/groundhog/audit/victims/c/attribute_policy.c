/* How it is scheduled: another ordinary policy, and the priority of its input and output. */
#include "attributes.h"

static void describe(char *text, size_t size)
{
    snprintf(text, size, "policy %d, io %ld", sched_getscheduler(0), syscall(SYS_ioprio_get, 1, 0));
}

static void change(const char *secret)
{
    check(sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0}) == 0, "sched_setscheduler");
    check(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | secret[7] % 8) == 0, "ioprio_set");
}
