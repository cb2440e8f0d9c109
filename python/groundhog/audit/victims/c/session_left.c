/* The process leaves its session, which nobody takes back. */
#include "victim.h"

static pid_t session;

static void prepare(void)
{
    session = getsid(0);
}

static void handle(const char *secret)
{
    bool found = getsid(0) != session;
    (void)secret;
    check(setsid() > 0 || errno == EPERM, "setsid");
    answer("{\"left\":%d}", found);
}
