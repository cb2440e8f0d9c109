/* Timers of timer_create(2): one is left armed, one is deleted again. What they leave besides is how many there were: the
 * number of the next one tells. */
#include "victim.h"
#include <time.h>

static void prepare(void) {}

static int create(void)
{
    int number;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGWINCH};
    struct itimerspec soon = {.it_value = {.tv_nsec = 300000}, .it_interval = {.tv_nsec = 300000}};
    check(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &number) == 0, "timer_create");
    check(syscall(SYS_timer_settime, number, 0, &soon, NULL) == 0, "timer_settime");
    return number;
}

static void handle(const char *secret)
{
    struct itimerspec left;
    (void)secret;
    int found = 0;
    for (int number = 0; number < 100; number++)
        found += syscall(SYS_timer_gettime, number, &left) == 0;
    int number = create();
    check(syscall(SYS_timer_delete, create()) == 0, "timer_delete");
    answer("{\"found\":%d,\"number\":%d}", found, number);
}
