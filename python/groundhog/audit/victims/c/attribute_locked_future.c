/* mlockall(2) for mappings to come, which no list shows: only the next mapping does. */
#include "attributes.h"

static void describe(char *text, size_t size)
{
    char *page = map_anonymous(NULL, PAGE);
    snprintf(text, size, "%s", status_field("VmLck"));
    check(munmap(page, PAGE) == 0, "munmap");
}

static void change(const char *secret)
{
    (void)secret;
    check(mlockall(MCL_FUTURE) == 0, "mlockall");
}
