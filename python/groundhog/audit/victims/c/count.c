/* A counter in a global. */
#include "victim.h"

static int count;

static void prepare(void) {}

static void handle(const char *secret)
{
    (void)secret;
    answer("{\"count\":%d}", count++);
}
