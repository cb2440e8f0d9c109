/* Signals blocked by a request and left pending: for the process, for its first thread, for another thread. */
#include "case.h"

static pthread_t other;
static int silent[2];

static atomic_int started;

static void *wait_forever(void *unused)
{
    char byte;
    atomic_store(&started, 1);
    (void)!read(silent[0], &byte, 1);
    return unused;
}

static void prepare(void)
{
    sigset_t all;
    sigfillset(&all);
    check(pipe2(silent, O_CLOEXEC) == 0, "pipe");
    /* The other thread blocks everything, so that it gets nothing meant for the process. */
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    check(pthread_create(&other, NULL, wait_forever, NULL) == 0, "pthread_create");
    sigemptyset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    while (!atomic_load(&started))
        sched_yield();
}

static void handle(const char *secret)
{
    (void)secret;
    sigset_t pending, blocked, mask;
    sigpending(&pending);
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    int found = 0, masked = 0;
    for (int number = 1; number < 65; number++) {
        found += sigismember(&pending, number) == 1;
        masked += sigismember(&blocked, number) == 1;
    }
    sigfillset(&mask);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if (is("process"))
        for (int i = 0; i < 3; i++)
            check(sigqueue(getpid(), SIGRTMIN + i, (union sigval){.sival_int = i}) == 0, "sigqueue");
    else if (is("thread"))
        check(pthread_kill(pthread_self(), SIGUSR1) == 0 && raise(SIGTERM) == 0, "pthread_kill");
    else
        check(pthread_kill(other, SIGUSR1) == 0, "pthread_kill");
    answer("{\"pending\":%d,\"blocked\":%d}", found, masked);
}
