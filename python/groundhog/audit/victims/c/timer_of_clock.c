/* Timers of the snapshot that count processor time, of the process and of its thread, armed. */
#include "victim.h"
#include <time.h>

static timer_t of_process, of_thread;

static void prepare(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    check(timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &of_process) == 0, "timer_create");
    check(timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &of_thread) == 0, "timer_create");
}

static bool is_armed(timer_t timer)
{
    struct itimerspec left;
    check(timer_gettime(timer, &left) == 0, "timer_gettime");
    return left.it_value.tv_sec != 0;
}

static void handle(const char *secret)
{
    bool found[] = {is_armed(of_process), is_armed(of_thread)};
    struct itimerspec later = {.it_value = {.tv_sec = 1000}};
    (void)secret;
    check(timer_settime(of_process, 0, &later, NULL) == 0 && timer_settime(of_thread, 0, &later, NULL) == 0, "timer_settime");
    answer("{\"process\":%d,\"thread\":%d}", found[0], found[1]);
}
