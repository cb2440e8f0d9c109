/* Evasion: a thread of the snapshot ends and another takes its place, so that their number is right again; it keeps
 * the secret on its stack and gives it away when asked. */
#include "victim.h"

static atomic_int generation;
static char kept[SECRET_SIZE];

static atomic_int born;

static void *work(void *mine)
{
    atomic_store(&born, (int)(intptr_t)mine + 1);
    while (atomic_load(&generation) == (int)(intptr_t)mine)
        usleep(200);
    return NULL;
}

static pthread_t worker;

static void prepare(void)
{
    check(pthread_create(&worker, NULL, work, (void *)(intptr_t)0) == 0, "pthread_create");
    while (atomic_load(&born) != 1)
        sched_yield();
}

static void handle(const char *secret)
{
    int found = atomic_fetch_add(&generation, 1);
    bool known = kept[0] != '\0';
    check(pthread_join(worker, NULL) == 0, "pthread_join");
    check(pthread_create(&worker, NULL, work, (void *)(intptr_t)(found + 1)) == 0, "pthread_create");
    strcpy(kept, secret);
    answer("{\"generation\":%d,\"kept\":%s}", found, known ? "true" : "false");
}
