/* Threads that end, more than the C library keeps stacks of, after they have set something of their own. */
#include "victim.h"

enum { THREADS = 3, STACK = 32 << 20 };

static pthread_t threads[THREADS];
static atomic_int ready, go;
static bool are_joined;

static void *wait_for_the_request(void *unused)
{
    atomic_fetch_add(&ready, 1);
    while (!atomic_load(&go))
        usleep(100);
    stack_t none = {.ss_flags = SS_DISABLE};
    check(sigaltstack(&none, NULL) == 0 && prctl(PR_SET_NAME, "ending") == 0, "settings");
    return unused;
}

static void prepare(void)
{
    pthread_attr_t attributes;
    check(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, STACK) == 0, "stacks");
    for (int at = 0; at < THREADS; at++)
        check(pthread_create(&threads[at], &attributes, wait_for_the_request, NULL) == 0, "pthread_create");
    while (atomic_load(&ready) < THREADS)
        sched_yield();
}

static void handle(const char *secret)
{
    (void)secret;
    char name[32] = "gone";
    if (!are_joined)
        pthread_getname_np(threads[0], name, sizeof name);
    atomic_store(&go, 1);
    for (int at = 0; at < THREADS && !are_joined; at++)
        check(pthread_join(threads[at], NULL) == 0, "pthread_join");
    bool was_joined = are_joined;
    are_joined = true;
    answer("{\"joined\":%s,\"name\":\"%s\"}", was_joined ? "true" : "false", name);
}
