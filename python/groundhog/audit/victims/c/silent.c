/* Writes half an answer, then waits for ever. */
#include "victim.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    write_all(ANSWER_FD, "{\"value\":\"", 10);
    write_all(ANSWER_FD, secret, strlen(secret));
    for (;;)
        pause();
}
