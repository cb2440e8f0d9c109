/* Dumpable: once off, an unprivileged supervisor can no longer look into the process. */
#include "attributes.h"

static void describe(char *text, size_t size)
{
    snprintf(text, size, "%d", prctl(PR_GET_DUMPABLE));
}

static void change(const char *secret)
{
    (void)secret;
    check(prctl(PR_SET_DUMPABLE, 0) == 0, "prctl");
}
