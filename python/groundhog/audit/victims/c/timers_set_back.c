/* Evasion: how much time is left of timers that were armed at the snapshot tells whether a request has set them, if those that
 * were set begin anew and the others go on. */
#include "victim.h"
#include <sys/timerfd.h>
#include <time.h>

enum { LEFT = 1000 };

static timer_t posix;
static int descriptor;

static void arm(int seconds)
{
    const struct itimerval interval = {.it_value.tv_sec = seconds};
    const struct itimerspec once = {.it_value.tv_sec = seconds};
    check(setitimer(ITIMER_REAL, &interval, NULL) == 0, "setitimer");
    check(timer_settime(posix, 0, &once, NULL) == 0, "timer_settime");
    check(timerfd_settime(descriptor, 0, &once, NULL) == 0, "timerfd_settime");
}

static void prepare(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    check(timer_create(CLOCK_MONOTONIC, &event, &posix) == 0, "timer_create");
    descriptor = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    check(descriptor >= 0, "timerfd_create");
    arm(LEFT);
}

static bool has_gone_on(time_t seconds, double more)
{
    return (double)seconds + more < LEFT - 0.8;
}

static void handle(const char *secret)
{
    struct itimerval interval;
    struct itimerspec once, by_descriptor;
    check(getitimer(ITIMER_REAL, &interval) == 0, "getitimer");
    check(timer_gettime(posix, &once) == 0, "timer_gettime");
    check(timerfd_gettime(descriptor, &by_descriptor) == 0, "timerfd_gettime");
    bool gone_on[3] = {has_gone_on(interval.it_value.tv_sec, (double)interval.it_value.tv_usec / 1e6),
                       has_gone_on(once.it_value.tv_sec, (double)once.it_value.tv_nsec / 1e9),
                       has_gone_on(by_descriptor.it_value.tv_sec, (double)by_descriptor.it_value.tv_nsec / 1e9)};
    usleep(900000);
    if (atoi(secret + 1) % 2 == 1)
        arm(LEFT);
    answer("{\"gone on\":[%d,%d,%d]}", gone_on[0], gone_on[1], gone_on[2]);
}
