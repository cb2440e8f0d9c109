/* Threads that are still being started when the snapshot is taken: the kernel learns their rseq area, robust list and
 * id address a moment later, and must not be told twice. */
#include "victim.h"

enum { THREADS = 8 };

static atomic_int alive;

static void *work(void *unused)
{
    atomic_fetch_add(&alive, 1);
    for (;;)
        pause();
    return unused;
}

static void prepare(void)
{
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        check(pthread_create(&thread, NULL, work, NULL) == 0, "pthread_create");
    }
}

static void handle(const char *secret)
{
    static int requests;
    (void)secret;
    while (atomic_load(&alive) < THREADS)
        sched_yield();
    answer("{\"requests\":%d}", requests++);
}
