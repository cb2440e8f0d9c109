/* Timers that were armed at the snapshot, set to another time, to the same time with another interval, or disarmed. */
#include "victim.h"
#include <time.h>

static timer_t timers[2];
static const struct itimerspec FAR = {.it_value = {.tv_sec = 1000}};

static void prepare(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGWINCH};
    for (int i = 0; i < 2; i++) {
        check(timer_create(CLOCK_MONOTONIC, &event, &timers[i]) == 0, "timer_create");
        check(timer_settime(timers[i], 0, &FAR, NULL) == 0, "timer_settime");
    }
    check(setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {.tv_sec = 1000}}, NULL) == 0, "setitimer");
}

static void describe(char text[64], struct itimerspec time)
{
    snprintf(text, 64, "%s %ld", time.it_value.tv_sec > 2000 ? "far" : time.it_value.tv_sec > 0 ? "armed" : "never",
             (long)time.it_interval.tv_sec);
}

static void handle(const char *secret)
{
    char first[64], second[64], real[64];
    struct itimerspec time;
    struct itimerval alarm_time;
    (void)secret;
    check(timer_gettime(timers[0], &time) == 0, "timer_gettime");
    describe(first, time);
    check(timer_gettime(timers[1], &time) == 0, "timer_gettime");
    describe(second, time);
    check(getitimer(ITIMER_REAL, &alarm_time) == 0, "getitimer");
    describe(real, (struct itimerspec){.it_value = {.tv_sec = alarm_time.it_value.tv_sec},
                                       .it_interval = {.tv_sec = alarm_time.it_interval.tv_sec}});
    struct itimerspec later = {.it_value = {.tv_sec = 5000}}, never = {0};
    check(timer_settime(timers[0], 0, &later, NULL) == 0 && timer_settime(timers[1], 0, &never, NULL) == 0, "timer_settime");
    struct itimerval same = {.it_value = {.tv_sec = 1000}, .it_interval = {.tv_sec = 7}};
    check(setitimer(ITIMER_REAL, &same, NULL) == 0, "setitimer");
    answer("{\"first\":\"%s\",\"second\":\"%s\",\"real\":\"%s\"}", first, second, real);
}
