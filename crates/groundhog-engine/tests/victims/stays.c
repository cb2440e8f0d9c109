/* What a request cannot be rid of: another session, memory that may not become executable. */
#include "case.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    (void)secret;
    if (is("session"))
        check(setsid() > 0 || errno == EPERM, "setsid");
    else
        check(prctl(65 /* PR_SET_MDWE */, 1, 0, 0, 0) == 0 || errno == EINVAL, "prctl");
    answer("done");
}
