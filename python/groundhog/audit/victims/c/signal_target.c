/* Evasion: of the threads that take a signal to the process, the kernel remembers which one got the last. A thread blocks it for
 * a moment, so that the other one gets it, and will get the next. */
#include "signal_takers.h"

static void handle(const char *secret)
{
    (void)secret;
    int first = taker();
    check(first != NOBODY, "taker");
    await_blocked(first, true);
    taker();
    await_blocked(first, false);
    answer("{\"taker\":%d}", first);
}
