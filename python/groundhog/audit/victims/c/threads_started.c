/* Threads started by a request and left running: one that waits, one that computes, one that keeps writing a secret
 * into memory that the next request reads. */
#include "victim.h"

static atomic_int started;
static char scribbled[PAGE];
static char own_secret[SECRET_SIZE];

static void *wait_forever(void *unused)
{
    atomic_fetch_add(&started, 1);
    for (;;)
        pause();
    return unused;
}

static void *compute_forever(void *unused)
{
    volatile double value = 1;
    atomic_fetch_add(&started, 1);
    for (;;) {
        for (int i = 0; i < 1000; i++)
            value = value * 1.000001 + 1;
        sched_yield();
    }
    return unused;
}

static void *scribble_forever(void *unused)
{
    leave(scribbled, sizeof scribbled, own_secret);
    atomic_fetch_add(&started, 1);
    for (;;) {
        leave(scribbled, sizeof scribbled, own_secret);
        struct timespec moment = {0, 100000};
        nanosleep(&moment, NULL);
    }
    return unused;
}

static void prepare(void) {}

static void handle(const char *secret)
{
    static void *(*const bodies[])(void *) = {wait_forever, compute_forever, scribble_forever};
    char threads[64];
    snprintf(threads, sizeof threads, "%s", status_field("Threads"));
    size_t found = other_than(scribbled, sizeof scribbled, 0);
    int before = atomic_load(&started);
    strcpy(own_secret, secret);
    /* Twelve requests without isolation are enough to see it: more would only burden the machine. */
    for (int i = 0; i < 3 && before < 36; i++) {
        pthread_t thread;
        check(pthread_create(&thread, NULL, bodies[i], NULL) == 0, "pthread_create");
    }
    while (atomic_load(&started) < before + 3 && before < 36)
        sched_yield();
    answer("{\"threads\":%s,\"scribbled\":%s,\"started\":%d}", threads, found ? "true" : "false", before);
}
