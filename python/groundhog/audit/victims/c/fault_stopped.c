/* Evasion: a thread faults just when it is to be stopped, so that the signal that tells of it waits and never comes. The fault waits for a
 * lock that another thread holds as long as it protects much memory. */
#include "faults.h"
#include <semaphore.h>

enum { SIZE = 256 << 20 };

static sem_t asked, done;
static atomic_bool is_to_fault, is_answered, protects, is_idle = true;
static long where;
static char *large;

static void *fault(void *unused)
{
    (void)unused;
    for (;;) {
        while (sem_wait(&asked) != 0)
            continue;
        if (is_to_fault) {
            while (!is_answered)
                continue;
            fault_at(where);
        } else {
            check(pthread_kill(pthread_self(), SIGUSR1) == 0, "pthread_kill");
        }
        sem_post(&done);
    }
    return NULL;
}

static void *protect(void *unused)
{
    (void)unused;
    for (bool writes = false;; writes = !writes) {
        if (!protects) {
            is_idle = true;
            usleep(200);
        } else {
            is_idle = false;
            mprotect(large, SIZE, writes ? PROT_READ | PROT_WRITE : PROT_READ);
        }
    }
    return NULL;
}

static void prepare(void)
{
    pthread_t thread;
    handle_signals();
    check(sem_init(&asked, 0, 0) == 0 && sem_init(&done, 0, 0) == 0, "sem_init");
    check(pthread_create(&thread, NULL, fault, NULL) == 0, "pthread_create");
    check(pthread_create(&thread, NULL, protect, NULL) == 0, "pthread_create");
}

static void handle(const char *secret)
{
    if (is_to_fault) { /* not put back */
        protects = false;
        while (sem_wait(&done) != 0 || !is_idle)
            continue;
        munmap(large, SIZE);
    }
    is_to_fault = is_answered = false;
    sem_post(&asked);
    while (sem_wait(&done) != 0)
        continue;
    large = map_anonymous(NULL, SIZE);
    memset(large, 'f', SIZE);
    where = PAGE + atol(secret + 1) % PAGE;
    is_to_fault = true;
    sem_post(&asked);
    protects = true;
    while (is_idle)
        continue;
    answer_told();
    is_answered = true;
}
