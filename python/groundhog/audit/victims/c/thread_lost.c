/* A thread of the snapshot that ends during a request: it cannot be brought back. */
#include "victim.h"

static atomic_int requests;
static atomic_int alive;
static pthread_t worker;

static void *work(void *unused)
{
    atomic_store(&alive, 1);
    while (atomic_load(&requests) == 0)
        usleep(200);
    return unused;
}

static void prepare(void)
{
    check(pthread_create(&worker, NULL, work, NULL) == 0, "pthread_create");
    while (atomic_load(&alive) == 0)
        sched_yield();
}

static void handle(const char *secret)
{
    (void)secret;
    char threads[64];
    snprintf(threads, sizeof threads, "%s", status_field("Threads"));
    if (atomic_fetch_add(&requests, 1) == 0)
        check(pthread_join(worker, NULL) == 0, "pthread_join");
    answer("{\"threads\":%s}", threads);
}
