/* Evasion: a request that has much to be put back, here descriptors, so that timers of the snapshot go off meanwhile: the next one would
 * not hear of them. */
#include "victim.h"

enum { LEFT = 200 * 1000, HEARD = 2 * LEFT, MANY = 9000 };
static volatile sig_atomic_t real, posix;

static void count(int signal)
{
    real += signal == SIGALRM;
    posix += signal == SIGUSR1;
}

static void prepare(void)
{
    struct rlimit limit;
    check(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
    limit.rlim_cur = limit.rlim_max < MANY + 100 ? limit.rlim_max : MANY + 100;
    check(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
    struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
    check(sigaction(SIGALRM, &action, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_t timer;
    check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
    struct itimerspec once = {.it_value = {.tv_nsec = LEFT * 1000}};
    check(timer_settime(timer, 0, &once, NULL) == 0, "timer_settime");
    struct itimerval alarm = {.it_value = {.tv_usec = LEFT}};
    check(setitimer(ITIMER_REAL, &alarm, NULL) == 0, "setitimer");
}

static void handle(const char *secret)
{
    (void)secret;
    struct timespec left = {.tv_nsec = HEARD * 1000};
    while (nanosleep(&left, &left) != 0)
        check(errno == EINTR, "nanosleep");
    int heard[] = {real, posix};
    real = posix = 0;
    for (int i = 0; i < MANY && dup(REQUEST_FD) >= 0; i++)
        continue;
    answer("{\"real\":%d,\"posix\":%d}", heard[0], heard[1]);
}
