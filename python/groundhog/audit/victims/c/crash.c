/* Dies by SIGSEGV in the middle of a request, with half an answer written. */
#include "victim.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    (void)secret;
    write_all(ANSWER_FD, "{\"half", 6);
    *(volatile int *)(uintptr_t)8 = 1;
}
