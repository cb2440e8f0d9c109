/* A soft limit of processor time, which the kernel raises by itself once it was passed. */
#include "victim.h"
#include <time.h>

static void prepare(void)
{
    struct rlimit limit;
    check(signal(SIGXCPU, SIG_IGN) != SIG_ERR, "signal");
    check(getrlimit(RLIMIT_CPU, &limit) == 0, "getrlimit");
    limit.rlim_cur = 1;
    check(setrlimit(RLIMIT_CPU, &limit) == 0, "setrlimit");
}

static void handle(const char *secret)
{
    struct rlimit limit;
    struct timespec spent;
    (void)secret;
    check(getrlimit(RLIMIT_CPU, &limit) == 0, "getrlimit");
    do
        check(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent) == 0, "clock_gettime");
    while (spent.tv_sec < 1 || spent.tv_nsec < 300000000);
    answer("{\"limit\":%d}", (int)limit.rlim_cur);
}
