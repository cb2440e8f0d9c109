/* Evasion: the answer descriptor is replaced by a pipe of the function's own, so that it would read the next answers
 * itself; the real one hides at another number. Then the numbers look as before, but what they are is swapped. */
#include "victim.h"

enum { HIDDEN = 50 };
static int swapped;

static void prepare(void) {}

static void handle(const char *secret)
{
    (void)secret;
    char line[64];
    int length = snprintf(line, sizeof line, "{\"swapped\":%d}\n", swapped);
    if (swapped++ == 0) {
        int null = open("/dev/null", O_WRONLY);
        check(dup2(ANSWER_FD, HIDDEN) == HIDDEN && dup2(null, ANSWER_FD) == ANSWER_FD, "dup2");
        close(null);
    }
    write_all(HIDDEN, line, (size_t)length);
}
