/* What waited at the snapshot, in a pipe, a socket pair, an eventfd and a timer: taken, and replaced by as much. */
#include "victim.h"
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

enum { WAITING = 8 };

static int ends[2], sockets[2], counter, timer;

static void prepare(void)
{
    struct itimerspec soon = {.it_value.tv_nsec = 1};
    uint64_t passed;
    check(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0 && write(ends[1], "waiting!", WAITING) == WAITING, "pipe");
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets) == 0, "socketpair");
    check(write(sockets[1], "waiting!", WAITING) == WAITING, "write");
    counter = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    check(counter >= 0 && timer >= 0 && timerfd_settime(timer, 0, &soon, NULL) == 0, "timerfd");
    check(read(timer, &passed, sizeof passed) == sizeof passed, "read"); /* it has gone off */
    check(timerfd_settime(timer, 0, &soon, NULL) == 0 && fcntl(timer, F_SETFL, O_NONBLOCK) == 0, "timerfd");
    struct pollfd { int fd; short events, returned; } awaited = {timer, 1, 0};
    check(syscall(SYS_poll, &awaited, 1, -1) == 1, "poll");
}

static void handle(const char *secret)
{
    char in_pipe[WAITING + 1] = "", in_socket[WAITING + 1] = "";
    uint64_t count = 0, passed = 0, next = 1 + (unsigned char)secret[7] % 9;
    check(read(ends[0], in_pipe, WAITING) == WAITING && read(sockets[0], in_socket, WAITING) == WAITING, "read");
    check(read(counter, &count, sizeof count) == sizeof count, "read");
    (void)!read(timer, &passed, sizeof passed);
    check(write(ends[1], secret, WAITING) == WAITING && write(sockets[1], secret, WAITING) == WAITING, "write");
    check(write(counter, &next, sizeof next) == sizeof next, "write");
    answer("{\"pipe\":\"%s\",\"socket\":\"%s\",\"count\":%lu,\"passed\":%lu}", in_pipe, in_socket,
           (unsigned long)count, (unsigned long)passed);
}
