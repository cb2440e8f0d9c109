/* What the victims share whose epoll set tells of input once: WATCHED says why. A request that is told leaves none for the
 * next one. */
#include "open_files.h"
#include <sys/epoll.h>

static int set;

static void prepare(void)
{
    struct epoll_event event = {.events = EPOLLIN | WATCHED};
    int ends[2];
    check(pipe2(ends, O_CLOEXEC) == 0 && write(ends[1], "x", 1) == 1, "pipe");
    set = epoll_create1(EPOLL_CLOEXEC);
    check(set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event) == 0, "epoll_ctl");
}

static void handle(const char *secret)
{
    struct epoll_event event;
    (void)secret;
    answer("{\"told\":%d}", epoll_wait(set, &event, 1, 0));
}
