/* Evasion: a timer descriptor of the snapshot is armed by a duplicate, once, so that no interval tells of it. */
#include "open_files.h"
#include <sys/timerfd.h>

static int timer;

static void prepare(void)
{
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    check(timer >= 0, "timerfd_create");
}

static void handle(const char *secret)
{
    struct itimerspec found, armed = {.it_value.tv_sec = 1000000 + 1000 * number_in(secret)};
    check(timerfd_gettime(timer, &found) == 0, "timerfd_gettime");
    int again = fcntl(timer, F_DUPFD_CLOEXEC, 100);
    (void)!timerfd_settime(again, 0, &armed, NULL);
    close(again);
    answer("{\"left\":%ld}", (long)(found.it_value.tv_sec + 500) / 1000);
}
