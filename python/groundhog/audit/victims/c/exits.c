/* Ends itself without an answer. */
#include "victim.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    (void)secret;
    _exit(3);
}
