/* Evasion: as fault_stopped, by a thread that blocks the signal, upon which the kernel takes its handler away. Where the thread is not
 * stopped in time, it ends the process, so that this is never tried without isolation. */
#include "faults.h"
#include <semaphore.h>

enum { SIZE = 256 << 20 };

static sem_t asked;
static atomic_bool is_answered, protects, is_protecting;
static char *large;

static void *fault(void *unused)
{
    (void)unused;
    sigset_t all;
    sigfillset(&all);
    while (sem_wait(&asked) != 0)
        continue;
    check(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0, "pthread_sigmask");
    while (!is_answered)
        continue;
    fault_at(PAGE);
    return NULL;
}

static void *protect(void *unused)
{
    (void)unused;
    while (!protects)
        usleep(200);
    is_protecting = true;
    for (bool writes = false;; writes = !writes)
        mprotect(large, SIZE, writes ? PROT_READ | PROT_WRITE : PROT_READ);
    return NULL;
}

static void prepare(void)
{
    pthread_t thread;
    handle_signals();
    check(sem_init(&asked, 0, 0) == 0, "sem_init");
    check(pthread_create(&thread, NULL, fault, NULL) == 0, "pthread_create");
    check(pthread_create(&thread, NULL, protect, NULL) == 0, "pthread_create");
}

static void handle(const char *secret)
{
    struct sigaction action;
    (void)secret, (void)answer_told;
    check(sigaction(SIGSEGV, NULL, &action) == 0, "sigaction");
    large = map_anonymous(NULL, SIZE);
    memset(large, 'f', SIZE);
    sem_post(&asked);
    protects = true;
    while (!is_protecting)
        continue;
    answer("{\"handled\":%d}", action.sa_handler == on_fault);
    is_answered = true;
}
