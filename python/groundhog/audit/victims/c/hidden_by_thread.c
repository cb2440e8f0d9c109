/* Evasion: written by the first thread, made to look clean by another one that a request starts. */
#include "hidden.h"

static void *work(void *unused)
{
    int faults = ready(own_faults());
    protect(faults);
    close(faults);
    return unused;
}

static void handle(const char *secret)
{
    pthread_t other;
    size_t found = other_than(hidden, SIZE, 's');
    leave(hidden + PAGE, PAGE, secret);
    check(pthread_create(&other, NULL, work, NULL) == 0 && pthread_join(other, NULL) == 0, "a thread");
    answer("{\"changed\":%zu}", found);
}
