/* Timers that go off in a later request: setitimer(2), alarm(2), timer_create(2), each armed far and near. */
#include "victim.h"
#include <time.h>

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

static int posix_timers(void)
{
    char line[256];
    int count = 0;
    FILE *timers = fopen("/proc/self/timers", "re");
    if (timers == NULL)
        return 0;
    while (fgets(line, sizeof line, timers) != NULL)
        count += strncmp(line, "ID:", 3) == 0;
    fclose(timers);
    return count;
}

static void handle(const char *secret)
{
    (void)secret;
    struct itimerval real, virtual;
    check(getitimer(ITIMER_REAL, &real) == 0 && getitimer(ITIMER_VIRTUAL, &virtual) == 0, "getitimer");
    int armed = real.it_value.tv_sec != 0, armed_virtual = virtual.it_value.tv_sec != 0, created = posix_timers();
    int before = ticks;
    struct itimerval far = {.it_value = {.tv_sec = 1000}, .it_interval = {.tv_sec = 1000}};
    check(setitimer(ITIMER_REAL, &far, NULL) == 0 && setitimer(ITIMER_VIRTUAL, &far, NULL) == 0, "setitimer");
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec soon = {.it_value = {.tv_nsec = 300000}, .it_interval = {.tv_nsec = 300000}};
    if (created < 20)
        check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &soon, NULL) == 0, "timer");
    answer("{\"real\":%d,\"virtual\":%d,\"posix\":%d,\"ticks\":%s}", armed, armed_virtual, created,
           before ? "true" : "false");
}
