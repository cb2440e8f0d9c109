/* Two answers in one write, and later bytes without an end on every output. */
#include "victim.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    static int requests;
    char lines[300];
    int length = snprintf(lines, sizeof lines, "{\"requests\":%d}\n{\"second\":\"%s\"}\n", requests++, secret);
    write_all(ANSWER_FD, lines, (size_t)length);
    write_all(1, secret, strlen(secret));
    write_all(2, secret, strlen(secret));
    write_all(ANSWER_FD, "{\"third", 7);
}
