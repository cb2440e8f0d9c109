/* Memory locked with mlock(2). */
#include "attributes.h"

static void describe(char *text, size_t size)
{
    snprintf(text, size, "%s", status_field("VmLck"));
}

static void change(const char *secret)
{
    static char page[2 * PAGE];
    leave(page, sizeof page, secret);
    check(mlock(page, sizeof page) == 0, "mlock");
}
