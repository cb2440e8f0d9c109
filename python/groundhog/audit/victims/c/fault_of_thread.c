/* Evasion: the address of a fault of a thread that makes no calls of ours. */
#include "faults.h"
#include <semaphore.h>

static sem_t asked, done;
static long where;

static void *work(void *unused)
{
    (void)unused;
    for (;;) {
        while (sem_wait(&asked) != 0)
            continue;
        check(pthread_kill(pthread_self(), SIGUSR1) == 0, "pthread_kill");
        fault_at(where);
        sem_post(&done);
    }
    return NULL;
}

static void prepare(void)
{
    pthread_t thread;
    handle_signals();
    check(sem_init(&asked, 0, 0) == 0 && sem_init(&done, 0, 0) == 0, "sem_init");
    check(pthread_create(&thread, NULL, work, NULL) == 0, "pthread_create");
}

static void handle(const char *secret)
{
    where = atol(secret + 1);
    sem_post(&asked);
    while (sem_wait(&done) != 0)
        continue;
    answer_told();
}
