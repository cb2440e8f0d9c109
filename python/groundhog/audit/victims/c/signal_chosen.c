/* Evasion: the kernel remembers which thread it has chosen for a signal to the process, also if another one takes it first. No call sends
 * the signal: what happens to a pipe, a timer, or the end of a child, by turns. */
#include "signal_takers.h"
#include <time.h>

static void write_to_told_pipe(void)
{
    int ends[2];
    check(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
    check(fcntl(ends[0], F_SETOWN, getpid()) == 0 && fcntl(ends[0], F_SETSIG, SIGUSR1) == 0, "F_SETOWN");
    check(fcntl(ends[0], F_SETFL, O_ASYNC) == 0, "F_SETFL");
    write_all(ends[1], "x", 1);
}

static void let_timer_go_off(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec soon = {.it_value = {.tv_nsec = 1}};
    timer_t timer;
    check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
    check(timer_settime(timer, 0, &soon, NULL) == 0, "timer_settime");
}

static void end_child(void)
{
    pid_t child = (pid_t)syscall(SYS_clone, SIGUSR1, NULL, NULL, NULL, 0);
    check(child >= 0, "clone");
    if (child == 0)
        _exit(0);
    check(waitpid(child, NULL, __WALL) == child, "waitpid");
}

/* Every other request looks. One that looks sends a signal, so that it must not be the one that leaves something. */
static void handle(const char *secret)
{
    static void (*const ways[])(void) = {write_to_told_pipe, let_timer_go_off, end_child};
    int number = atoi(secret + 1), found = 0;
    if (number % 2 == 0) {
        await_blocked(0, true);
        ways[number / 2 % 3]();
        struct timespec a_while = {.tv_nsec = 20 * 1000 * 1000};
        sigtimedwait(&signals, NULL, &a_while); /* the other one may have been faster */
        await_blocked(0, false);
    } else {
        found = taker();
    }
    answer("{\"taker\":%d}", found);
}
