/* Signals with values that wait, blocked, for the process and for a thread that is not the first; each takes what there is, up to
 * the last value, before it gets more. */
#define PREPARES_ITSELF
#include "of_thread.h"

static sigset_t valued;

static void prepare(void)
{
    sigemptyset(&valued);
    sigaddset(&valued, SIGRTMIN + 1);
    sigaddset(&valued, SIGRTMIN + 2);
    check(pthread_sigmask(SIG_BLOCK, &valued, NULL) == 0, "pthread_sigmask");
    start_other();
}

static void describe(char *text, size_t size)
{
    siginfo_t information;
    int count = 0, last = 0;
    while (sigtimedwait(&valued, &information, &(struct timespec){0}) > 0)
        count++, last = information.si_value.sival_int;
    snprintf(text, size, "waiting %d, last %d", count, last);
}

static void change(const char *secret)
{
    union sigval value = {.sival_int = atoi(secret + 1)};
    for (int at = 0; at < 3; at++) {
        check(pthread_sigqueue(pthread_self(), SIGRTMIN + 1, value) == 0, "pthread_sigqueue");
        check(sigqueue(getpid(), SIGRTMIN + 2, value) == 0, "sigqueue");
    }
}
