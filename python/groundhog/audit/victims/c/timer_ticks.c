/* Evasion: how often a timer descriptor has gone off, set by ioctl(2) instead of the passing of time. */
#include "open_files.h"
#include <sys/ioctl.h>
#include <sys/timerfd.h>

static int timer;

static void prepare(void)
{
    struct itimerspec late = {.it_value.tv_sec = 1000000};
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    check(timer >= 0 && timerfd_settime(timer, 0, &late, NULL) == 0, "timerfd");
}

static void handle(const char *secret)
{
    uint64_t found = 0, ticks = 1000 + (uint64_t)number_in(secret);
    (void)!read(timer, &found, sizeof found);
    (void)!ioctl(timer, _IOW('T', 0, uint64_t), &ticks);
    answer("{\"ticks\":%lu}", (unsigned long)found);
}
