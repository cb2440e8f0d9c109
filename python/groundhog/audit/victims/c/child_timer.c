/* Evasion: a child arms a timer descriptor of the snapshot, again and again; the interval is the secret. */
#include "child.h"
#include <sys/timerfd.h>

static void prepare(void)
{
    open_twice(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
}

static void act(const char *secret)
{
    struct itimerspec armed = {.it_interval.tv_sec = 1000 + number_in(secret), .it_value.tv_sec = 1000000};
    (void)!timerfd_settime(ACTED, 0, &armed, NULL);
}

static void handle(const char *secret)
{
    struct itimerspec found;
    check(timerfd_gettime(SEEN, &found) == 0, "timerfd_gettime");
    by_child(act, secret);
    answer("{\"interval\":%ld,\"armed\":%d}", (long)found.it_interval.tv_sec, found.it_value.tv_sec != 0);
}
