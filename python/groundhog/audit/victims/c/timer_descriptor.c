/* Timers behind descriptors of the snapshot: one is armed and goes off; one that was armed is set otherwise, by way of a
 * duplicate. */
#include "victim.h"
#include <poll.h>
#include <sys/timerfd.h>

static int quiet, armed;

static void prepare(void)
{
    quiet = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    armed = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    struct itimerspec far = {.it_value = {.tv_sec = 1000}};
    check(quiet >= 0 && armed >= 0 && timerfd_settime(armed, 0, &far, NULL) == 0, "timerfd");
}

static void handle(const char *secret)
{
    struct itimerspec before, left;
    struct pollfd polled = {.fd = quiet, .events = POLLIN};
    (void)secret;
    check(timerfd_gettime(quiet, &before) == 0 && timerfd_gettime(armed, &left) == 0, "timerfd_gettime");
    int readable = poll(&polled, 1, 0);
    struct itimerspec soon = {.it_value = {.tv_nsec = 1000}, .it_interval = {.tv_sec = 2000}};
    struct itimerspec later = {.it_value = {.tv_sec = 5000}};
    check(timerfd_settime(quiet, 0, &soon, NULL) == 0 && timerfd_settime(dup(armed), 0, &later, NULL) == 0,
          "timerfd_settime");
    check(poll(&polled, 1, -1) == 1, "poll");
    answer("{\"readable\":%d,\"interval\":%ld,\"later\":%d}", readable, (long)before.it_interval.tv_sec,
           left.it_value.tv_sec > 2000);
}
