/* Timers that go off in a later request: setitimer(2) of all three kinds, and alarm(2). */
#include "victim.h"

static volatile sig_atomic_t ticks;

static void on_tick(int number)
{
    (void)number;
    ticks++;
}

static void prepare(void)
{
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    check(sigaction(SIGALRM, &action, NULL) == 0 && sigaction(SIGVTALRM, &action, NULL) == 0, "sigaction");
}

static void handle(const char *secret)
{
    struct itimerval real, virtual, profiling;
    (void)secret;
    check(getitimer(ITIMER_REAL, &real) == 0 && getitimer(ITIMER_VIRTUAL, &virtual) == 0, "getitimer");
    check(getitimer(ITIMER_PROF, &profiling) == 0, "getitimer");
    int armed = real.it_value.tv_sec != 0, armed_virtual = virtual.it_value.tv_sec != 0;
    int before = ticks;
    struct itimerval far = {.it_value = {.tv_sec = 1000}, .it_interval = {.tv_sec = 1000}};
    check(setitimer(ITIMER_VIRTUAL, &far, NULL) == 0 && setitimer(ITIMER_PROF, &far, NULL) == 0, "setitimer");
    struct itimerval soon = {.it_value = {.tv_usec = 300}, .it_interval = {.tv_usec = 300}};
    check(setitimer(ITIMER_REAL, &soon, NULL) == 0, "setitimer");
    while (ticks == before)
        sched_yield();
    check(setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL) == 0, "setitimer");
    alarm(1000);
    answer("{\"real\":%d,\"virtual\":%d,\"profiling\":%d,\"ticks\":%s}", armed, armed_virtual,
           profiling.it_value.tv_sec != 0, before ? "true" : "false");
}
