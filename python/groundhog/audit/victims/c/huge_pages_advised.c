/* Huge pages refused to the whole process, but where they are advised (PR_SET_THP_DISABLE with a flag, Linux 6.18; else without). */
#include "attributes.h"

static void describe(char *text, size_t size)
{
    snprintf(text, size, "disabled %d", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
}

static void change(const char *secret)
{
    enum { EXCEPT_ADVISED = 2 };
    (void)secret;
    if (prctl(PR_SET_THP_DISABLE, 1, EXCEPT_ADVISED, 0, 0) != 0)
        prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}
