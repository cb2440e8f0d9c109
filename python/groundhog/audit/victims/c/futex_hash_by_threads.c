/* Evasion: the process's own table of futexes grows by itself when threads are started (Linux 6.16), and stays as large once they have
 * ended. Requests start threads or ask by turns: asking may cost the process, which is too late then. */
#include "victim.h"

enum { PR_FUTEX_HASH_ = 78, GET_SLOTS = 2, MOST = 40 };

static void prepare(void) {}

static void *wait_for_all(void *barrier)
{
    pthread_barrier_wait(barrier);
    return barrier;
}

static void start_and_end(unsigned count)
{
    pthread_t threads[MOST];
    pthread_barrier_t barrier;
    pthread_attr_t small;
    check(pthread_barrier_init(&barrier, NULL, count) == 0 && pthread_attr_init(&small) == 0, "a barrier");
    check(pthread_attr_setstacksize(&small, 64 << 10) == 0, "small stacks");
    for (unsigned at = 0; at < count; at++)
        check(pthread_create(&threads[at], &small, wait_for_all, &barrier) == 0, "a thread");
    for (unsigned at = 0; at < count; at++)
        check(pthread_join(threads[at], NULL) == 0, "a thread");
}

static void handle(const char *secret)
{
    int slots = 0;
    if (secret[strlen(secret) - 1] % 2 == 0)
        start_and_end(MOST);
    else
        slots = prctl(PR_FUTEX_HASH_, GET_SLOTS, 0, 0, 0);
    answer("{\"slots\":%d}", slots < 0 ? 0 : slots);
}
