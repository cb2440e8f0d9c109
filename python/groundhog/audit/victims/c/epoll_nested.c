/* Evasion: an epoll set in another one, which tells of it once. */
#include "open_files.h"
#include <sys/epoll.h>

static int outer;

static void prepare(void)
{
    struct epoll_event edge = {.events = EPOLLIN | EPOLLET}, level = {.events = EPOLLIN};
    int ends[2], inner = epoll_create1(EPOLL_CLOEXEC);
    outer = epoll_create1(EPOLL_CLOEXEC);
    check(pipe2(ends, O_CLOEXEC) == 0 && write(ends[1], "x", 1) == 1, "pipe");
    check(epoll_ctl(inner, EPOLL_CTL_ADD, ends[0], &level) == 0, "epoll_ctl");
    check(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &edge) == 0, "epoll_ctl");
}

static void handle(const char *secret)
{
    struct epoll_event event;
    (void)secret;
    answer("{\"told\":%d}", epoll_wait(outer, &event, 1, 0));
}
