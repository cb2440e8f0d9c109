/* A counter whose program is locked by the test: no other test's victim has it mapped, as all have the machine's libraries. */
#include "case.h"

static int count;

static void prepare(void) {}

static void handle(const char *secret)
{
    (void)secret;
    answer("{\"count\":%d}", count++);
}
