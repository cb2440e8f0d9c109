/* Stops itself by job control in the middle of a request, and goes on as if nothing had been. */
#include "case.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    static int requests;
    (void)secret;
    raise(SIGSTOP);
    answer("{\"requests\":%d}", requests++);
}
