/* Evasion: a time below zero, so that a socket never waits. The kernel tells it like none, with which it waits for ever. */
#include "victim.h"
#include <sys/socket.h>

static int ends[2];

static void wake(int signal)
{
    (void)signal;
}

static void prepare(void)
{
    const struct sigaction action = {.sa_handler = wake};
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    check(sigaction(SIGALRM, &action, NULL) == 0, "sigaction");
}

static void handle(const char *secret)
{
    const struct itimerval soon = {.it_value.tv_usec = 20000, .it_interval.tv_usec = 20000}, none = {0};
    const struct timeval never = {.tv_sec = -1};
    char byte;
    (void)secret;
    check(setitimer(ITIMER_REAL, &soon, NULL) == 0 && recv(ends[0], &byte, 1, 0) == -1, "recv");
    bool waited = errno == EINTR;
    check(setitimer(ITIMER_REAL, &none, NULL) == 0, "setitimer");
    check(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &never, sizeof never) == 0, "SO_RCVTIMEO");
    answer("{\"waited\":%d}", waited);
}
