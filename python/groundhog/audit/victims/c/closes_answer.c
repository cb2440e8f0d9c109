/* Closes the answer descriptor, so that no answer can ever come, and lives on. */
#include "victim.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    (void)secret;
    close(ANSWER_FD);
    for (;;)
        pause();
}
