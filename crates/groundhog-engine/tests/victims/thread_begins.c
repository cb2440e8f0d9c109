/* Threads that are made just before the snapshot, while others keep all processors busy. */
#include "case.h"

enum { BUSY = 6, THREADS = 8 };

static void *compute(void *unused)
{
    for (volatile unsigned long count = 0;; count++)
        continue;
    return unused;
}

static void *wait_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void prepare(void)
{
    pthread_t thread;
    for (int i = 0; i < BUSY + THREADS; i++)
        check(pthread_create(&thread, NULL, i < BUSY ? compute : wait_for_ever, NULL) == 0, "pthread_create");
}

static void handle(const char *secret)
{
    (void)secret;
    answer("made");
}
