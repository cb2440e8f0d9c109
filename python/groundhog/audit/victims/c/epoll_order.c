/* Of several ready files, an epoll set tells in turns: who asks for one at a time moves it to the end of the queue. */
#include "open_files.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { READY = 3 };

static int set;

static void prepare(void)
{
    set = epoll_create1(EPOLL_CLOEXEC);
    for (uint64_t at = 0; at < READY; at++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = at};
        int ready = eventfd(1, EFD_CLOEXEC);
        check(ready >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, ready, &event) == 0, "epoll_ctl");
    }
}

static void handle(const char *secret)
{
    struct epoll_event event = {.data.u64 = READY};
    (void)secret;
    check(epoll_wait(set, &event, 1, 0) == 1, "epoll_wait");
    answer("{\"first\":%lu}", (unsigned long)event.data.u64);
}
