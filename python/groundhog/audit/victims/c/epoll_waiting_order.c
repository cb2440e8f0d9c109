/* Evasion: members of an epoll set wait at a file in the order in which they were added, and its events come to them in that order.
 * One is taken out and added again, as it was. */
#include "open_files.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { MEMBERS = 2 };
static int set, members[MEMBERS];

static void add(int at)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)at};
    check(epoll_ctl(set, EPOLL_CTL_ADD, members[at], &event) == 0, "epoll_ctl");
}

static void prepare(void)
{
    set = epoll_create1(EPOLL_CLOEXEC);
    members[0] = eventfd(0, EFD_CLOEXEC);
    members[1] = fcntl(members[0], F_DUPFD_CLOEXEC, 0);
    for (int at = 0; at < MEMBERS; at++)
        add(at);
}

static void handle(const char *secret)
{
    struct epoll_event events[MEMBERS];
    uint64_t count = 1;
    check(write(members[0], &count, sizeof count) == sizeof count, "write");
    check(epoll_wait(set, events, MEMBERS, 0) == MEMBERS, "epoll_wait");
    check(read(members[0], &count, sizeof count) == sizeof count, "read");
    int first = (int)events[0].data.u64, again = (int)events[1].data.u64;
    (void)secret;
    check(epoll_wait(set, events, MEMBERS, 0) == 0, "nothing is ready any more");
    /* The one that told last tells first from now on. */
    check(epoll_ctl(set, EPOLL_CTL_DEL, members[again], NULL) == 0, "epoll_ctl");
    add(again);
    answer("{\"first\":%d}", first);
}
