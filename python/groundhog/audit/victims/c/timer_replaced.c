/* Evasion: a timer of the snapshot is deleted, and another one made under its number (Linux 6.15 lets it): it sends another
 * signal, which nothing but its expiry or /proc tells. */
#include "victim.h"
#include <time.h>

enum { PR_TIMER_CREATE_RESTORE_IDS_ = 77 };
static int number;
static sigset_t set;

static int create(int sent)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = sent};
    return (int)syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &number);
}

static void prepare(void)
{
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    sigaddset(&set, SIGRTMIN + 2);
    check(sigprocmask(SIG_BLOCK, &set, NULL) == 0, "sigprocmask");
    check(create(SIGRTMIN + 1) == 0, "timer_create");
}

static void handle(const char *secret)
{
    struct itimerspec soon = {.it_value = {.tv_nsec = 1000}};
    (void)secret;
    check(syscall(SYS_timer_settime, number, 0, &soon, NULL) == 0, "timer_settime");
    int taken = sigtimedwait(&set, NULL, &(struct timespec){.tv_sec = 1});
    check(syscall(SYS_timer_delete, number) == 0, "timer_delete");
    prctl(PR_TIMER_CREATE_RESTORE_IDS_, 1, 0, 0, 0);
    check(create(SIGRTMIN + 2) == 0, "timer_create");
    prctl(PR_TIMER_CREATE_RESTORE_IDS_, 0, 0, 0, 0);
    answer("{\"own\":%d}", taken == SIGRTMIN + 1);
}
