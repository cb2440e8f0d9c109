/* Evasion: a child changes what an epoll set, whose descriptor the function has closed, says of a ready file. */
#include "child.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int ready;

static void prepare(void)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 7};
    ready = eventfd(1, EFD_CLOEXEC);
    open_twice(epoll_create1(EPOLL_CLOEXEC));
    check(ready >= 0 && epoll_ctl(ACTED, EPOLL_CTL_ADD, ready, &event) == 0, "epoll_ctl");
}

static void act(const char *secret)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)(1000 + number_in(secret))};
    (void)!epoll_ctl(ACTED, EPOLL_CTL_MOD, ready, &event);
}

static void handle(const char *secret)
{
    struct epoll_event event = {0};
    int count = epoll_wait(SEEN, &event, 1, 0);
    by_child(act, secret);
    answer("{\"ready\":%d,\"says\":%lu}", count, (unsigned long)event.data.u64);
}
