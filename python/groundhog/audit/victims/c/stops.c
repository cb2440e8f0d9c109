/* Stops itself with SIGSTOP instead of answering. */
#include "victim.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    (void)secret;
    raise(SIGSTOP);
    for (;;)
        pause();
}
