/* How often a timer of the snapshot had expired when its last signal was taken (timer_getoverrun): setting it forgets that, and
 * so does whoever sets it back. */
#include "victim.h"
#include <time.h>

static timer_t timer;
static sigset_t set;

static void prepare(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
    struct itimerspec often = {.it_value = {.tv_nsec = 5000000}, .it_interval = {.tv_nsec = 5000000}};
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    check(sigprocmask(SIG_BLOCK, &set, NULL) == 0, "sigprocmask");
    check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &often, NULL) == 0, "a timer");
    while (timer_getoverrun(timer) == 0) {
        usleep(20000);
        check(sigtimedwait(&set, NULL, &(struct timespec){.tv_sec = 1}) > 0, "sigtimedwait");
    }
}

static void handle(const char *secret)
{
    struct itimerspec never = {0};
    (void)secret;
    bool found = timer_getoverrun(timer) > 0;
    check(timer_settime(timer, 0, &never, NULL) == 0, "timer_settime");
    answer("{\"overrun\":%d}", found);
}
