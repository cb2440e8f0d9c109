/* A thread that makes one watched call after another, and so is on its way into a stop of its own at every restore. */
#include "case.h"
#include <sys/mman.h>

static char *page;
static atomic_ulong calls;

static void *call_on(void *unused)
{
    for (;;) {
        check(madvise(page, PAGE, MADV_WILLNEED) == 0, "madvise");
        atomic_fetch_add(&calls, 1);
    }
    return unused;
}

static void prepare(void)
{
    pthread_t thread;
    page = map_anonymous(NULL, PAGE);
    check(pthread_create(&thread, NULL, call_on, NULL) == 0, "pthread_create");
    /* What it sets for itself while it begins is no call of a request. */
    while (atomic_load(&calls) == 0)
        sched_yield();
}

static void handle(const char *secret)
{
    static int requests;
    (void)secret;
    for (unsigned long seen = atomic_load(&calls); atomic_load(&calls) < seen + 3;)
        sched_yield();
    answer("requests %d", requests++);
}
