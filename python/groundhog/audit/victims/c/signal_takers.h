/* What the victims share that look which of two threads gets the next signal to the process. The first thread blocks it. */
#include "victim.h"

enum { THREADS = 2, NOBODY = THREADS };

static atomic_int taken[THREADS], rounds[THREADS];
static atomic_bool wanted_blocked[THREADS], is_blocked[THREADS];
static _Thread_local int own;
static sigset_t signals;

static void on_signal(int signal)
{
    (void)signal;
    taken[own]++;
}

static void *work(void *number)
{
    own = (int)(intptr_t)number;
    is_blocked[own] = true;
    for (;;) {
        bool wanted = wanted_blocked[own];
        if (wanted != is_blocked[own]) {
            pthread_sigmask(wanted ? SIG_BLOCK : SIG_UNBLOCK, &signals, NULL);
            is_blocked[own] = wanted;
        }
        usleep(500);
        rounds[own]++;
    }
    return NULL;
}

static void await_blocked(int thread, bool wanted)
{
    wanted_blocked[thread] = wanted;
    while (is_blocked[thread] != wanted)
        usleep(500);
}

static void prepare(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    check(sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
    check(pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0, "pthread_sigmask");
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        check(pthread_create(&thread, NULL, work, (void *)(intptr_t)i) == 0, "pthread_create");
        usleep(1000);
        await_blocked(i, false);
    }
}

static int taker(void)
{
    int before[THREADS];
    for (int i = 0; i < THREADS; i++) {
        before[i] = taken[i];
        /* One that has only just been resumed may not take it yet. */
        for (int seen = rounds[i]; rounds[i] < seen + 2;)
            usleep(500);
    }
    check(kill(getpid(), SIGUSR1) == 0, "kill");
    for (int tries = 0; tries < 4000; tries++) {
        for (int i = 0; i < THREADS; i++)
            if (taken[i] != before[i])
                return i;
        usleep(500);
    }
    return NOBODY;
}
