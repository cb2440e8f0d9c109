/* Evasion: a byte is put into a pipe, and the same one taken from it. What waits is the same, but an edge-triggered epoll set,
 * which had told of it, tells again. */
#include "open_files.h"
#include <sys/epoll.h>

static int set, ends[2];

static void prepare(void)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    check(pipe2(ends, O_CLOEXEC) == 0 && write(ends[1], "x", 1) == 1, "pipe");
    set = epoll_create1(EPOLL_CLOEXEC);
    check(set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event) == 0, "epoll_ctl");
    check(epoll_wait(set, &event, 1, 0) == 1, "epoll_wait");
}

static void handle(const char *secret)
{
    struct epoll_event event;
    char byte;
    (void)secret;
    int told = epoll_wait(set, &event, 1, 0);
    check(write(ends[1], "x", 1) == 1 && read(ends[0], &byte, 1) == 1, "pipe");
    answer("{\"told\":%d}", told);
}
