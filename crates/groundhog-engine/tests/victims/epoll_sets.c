/* What an epoll set of the snapshot watches: something added to it, changed in it, removed from it; told of once. */
#include "case.h"
#include <sys/epoll.h>

static int first[2], second[2], set;

static void prepare(void)
{
    struct epoll_event event = {.events = EPOLLIN | (is("once") ? EPOLLONESHOT : 0), .data.u64 = 1};
    set = epoll_create1(EPOLL_CLOEXEC);
    check(pipe(first) == 0 && pipe(second) == 0 && set >= 0, "open files");
    check(epoll_ctl(set, EPOLL_CTL_ADD, first[0], &event) == 0, "epoll_ctl");
}

/* Both pipes are given something to read, and the set is asked what it has seen. */
static void handle(const char *secret)
{
    struct epoll_event events[2] = {0}, event = {.events = EPOLLIN, .data.u64 = (unsigned char)secret[7]};
    char byte;
    check(write(first[1], "x", 1) == 1 && write(second[1], "x", 1) == 1, "write");
    int count = epoll_wait(set, events, 2, 0);
    unsigned long data = count > 0 ? events[0].data.u64 : 0;
    check(read(first[0], &byte, 1) == 1 && read(second[0], &byte, 1) == 1, "read");
    if (is("added"))
        (void)epoll_ctl(set, EPOLL_CTL_ADD, second[0], &event);
    else if (is("changed")) {
        event.events = EPOLLIN | EPOLLOUT | EPOLLET;
        event.data.u64 = 77;
        check(epoll_ctl(set, EPOLL_CTL_MOD, first[0], &event) == 0, "epoll_ctl");
    } else if (is("removed"))
        (void)epoll_ctl(set, EPOLL_CTL_DEL, first[0], NULL);
    answer("{\"count\":%d,\"data\":%lu}", count, data);
}
