/* For victims of calls that a signal interrupted and that restart_syscall(2) goes on with: the handler jumps away, so that the
 * kernel keeps the call's arguments, addresses among them, for whoever makes that call next. */
#include "victim.h"
#include <poll.h>
#include <setjmp.h>
#include <time.h>

static sigjmp_buf interrupted;

static void on_signal(int number)
{
    siglongjmp(interrupted, number);
}

/* By an alarm of this thread's own clock of the day, some milliseconds later. */
static void interrupt_soon(void)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGURG};
    event._sigev_un._tid = thread_id();
    struct itimerspec soon = {.it_value = {.tv_nsec = 5000000}};
    check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &soon, NULL) == 0, "a timer");
}

static void unblock(void)
{
    sigset_t urgent;
    sigemptyset(&urgent);
    sigaddset(&urgent, SIGURG);
    check(signal(SIGURG, on_signal) != SIG_ERR && pthread_sigmask(SIG_UNBLOCK, &urgent, NULL) == 0, "signal");
}

enum { ASKED = 1000, UNTOUCHED = 0x7777 };
static struct pollfd asked[ASKED];

/* How many entries a call that goes on answers, and from which one. */
__attribute__((unused)) static void go_on_with_poll(int *first, int *count)
{
    *first = *count = 0;
    for (int at = 0; at < ASKED; at++)
        asked[at] = (struct pollfd){.fd = -1, .revents = UNTOUCHED};
    syscall(SYS_restart_syscall);
    for (int at = ASKED - 1; at >= 0; at--)
        if (asked[at].revents != UNTOUCHED)
            *first = at, ++*count;
}

/* Arguments made of the secret stay in the kernel. It ends by itself soon, for whoever goes on with it. */
__attribute__((unused)) static void leave_poll(const char *secret)
{
    int number = atoi(secret + 1) % (ASKED / 2);
    for (int at = 0; at < ASKED; at++)
        asked[at].fd = -1;
    if (sigsetjmp(interrupted, 1) == 0) {
        interrupt_soon();
        poll(asked + number, (nfds_t)number + 1, 100);
    }
}
