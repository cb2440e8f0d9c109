/* Thread-local storage and stack of the main thread and of a thread that lives on from before the snapshot. */
#include "victim.h"

static __thread char local[2 * PAGE];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static const char *job;
static bool ready;
static size_t found;

static size_t look_and_leave(const char *secret)
{
    size_t differing = other_than(local, sizeof local, 0);
    leave(local, sizeof local, secret);
    return differing;
}

static void *work(void *unused)
{
    char on_stack[PAGE] = {0};
    (void)unused;
    pthread_mutex_lock(&lock);
    ready = true;
    pthread_cond_broadcast(&changed);
    for (;;) {
        while (job == NULL)
            pthread_cond_wait(&changed, &lock);
        found = look_and_leave(job) + other_than(on_stack, sizeof on_stack, 0);
        leave(on_stack, sizeof on_stack, job);
        job = NULL;
        pthread_cond_broadcast(&changed);
    }
    return NULL;
}

static void prepare(void)
{
    pthread_t thread;
    check(pthread_create(&thread, NULL, work, NULL) == 0, "pthread_create");
    pthread_mutex_lock(&lock);
    while (!ready)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void handle(const char *secret)
{
    size_t here = look_and_leave(secret);
    pthread_mutex_lock(&lock);
    job = secret;
    pthread_cond_broadcast(&changed);
    while (job != NULL)
        pthread_cond_wait(&changed, &lock);
    size_t there = found;
    pthread_mutex_unlock(&lock);
    answer("{\"main\":%zu,\"worker\":%zu}", here, there);
}
