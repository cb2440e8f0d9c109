/* Threads that were started and ended within the request: their stacks stay cached by the C library, with secrets. */
#include "victim.h"

enum { ON_STACK = 64 << 10, THREADS = 4 };

static size_t found;

__attribute__((noinline)) static size_t look_and_leave(const char *secret)
{
    volatile char frame[ON_STACK]; /* not initialised: whatever the stack's last owner left */
    size_t differing = other_than((const char *)frame, sizeof frame, 0);
    leave((char *)frame, sizeof frame, secret);
    return differing;
}

static void *work(void *secret)
{
    found += look_and_leave(secret);
    return NULL;
}

static void prepare(void) {}

static void handle(const char *secret)
{
    found = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        check(pthread_create(&thread, NULL, work, (void *)secret) == 0, "pthread_create");
        check(pthread_join(thread, NULL) == 0, "pthread_join");
        if (i == 0 && found == 0)
            break; /* a fresh stack: the next threads would find this one's secret within the same request */
    }
    answer("{\"on_stacks\":%zu}", found);
}
