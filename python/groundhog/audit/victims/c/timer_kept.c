/* Evasion: a signal that a timer has sent waits when it becomes ignored. The kernel (Linux 6.13) keeps it, and has it wait again when the
 * signal is not ignored any more. */
#include "victim.h"
#include <time.h>

static timer_t timer;
static sigset_t signals;

static void on_signal(int signal)
{
    (void)signal;
}

static bool is_waiting(void)
{
    sigset_t waiting;
    check(sigpending(&waiting) == 0, "sigpending");
    return sigismember(&waiting, SIGUSR1);
}

static void prepare(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    check(signal(SIGUSR1, SIG_IGN) != SIG_ERR, "signal");
    check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
}

static void handle(const char *secret)
{
    struct itimerspec now, often = {.it_interval = {.tv_nsec = 1000000}, .it_value = {.tv_nsec = 1000000}};
    (void)secret;
    check(sigprocmask(SIG_BLOCK, &signals, NULL) == 0 && signal(SIGUSR1, on_signal) != SIG_ERR, "signal");
    bool found = is_waiting();
    check(timer_gettime(timer, &now) == 0, "timer_gettime");
    check(timer_settime(timer, 0, &often, NULL) == 0, "timer_settime");
    while (!is_waiting())
        usleep(100);
    check(signal(SIGUSR1, SIG_IGN) != SIG_ERR, "signal");
    answer("{\"waiting\":%d,\"interval\":%ld}", found, now.it_interval.tv_nsec);
}
