/* The nice value: raising it needs no privilege, lowering it again does. */
#include "attributes.h"

static void describe(char *text, size_t size)
{
    snprintf(text, size, "%d", getpriority(PRIO_PROCESS, 0));
}

static void change(const char *secret)
{
    (void)secret;
    check(setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + 5) == 0, "setpriority");
}
