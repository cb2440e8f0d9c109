/* The processors that the thread may run on. */
#include "attributes.h"

static void describe(char *text, size_t size)
{
    cpu_set_t set;
    check(sched_getaffinity(0, sizeof set, &set) == 0, "sched_getaffinity");
    snprintf(text, size, "%s", CPU_COUNT(&set) == 1 ? "one" : "several");
}

static void change(const char *secret)
{
    (void)secret;
    cpu_set_t set;
    check(sched_getaffinity(0, sizeof set, &set) == 0, "sched_getaffinity");
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&set) > 1; cpu++)
        CPU_CLR(cpu, &set);
    check(sched_setaffinity(0, sizeof set, &set) == 0, "sched_setaffinity");
}
