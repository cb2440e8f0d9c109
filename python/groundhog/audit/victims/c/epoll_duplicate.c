/* Evasion: an epoll set watches a pipe by a duplicate, whose number is closed while the pipe stays open. */
#include "open_files.h"
#include <sys/epoll.h>

static int set, ends[2];

static void prepare(void)
{
    set = epoll_create1(EPOLL_CLOEXEC);
    check(set >= 0 && pipe2(ends, O_CLOEXEC) == 0, "epoll_create1, pipe");
}

static void handle(const char *secret)
{
    char watched[256];
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)number_in(secret)};
    fdinfo(set, "tfd:", watched);
    int again = fcntl(ends[0], F_DUPFD_CLOEXEC, 100);
    (void)!epoll_ctl(set, EPOLL_CTL_ADD, again, &event);
    close(again);
    answer("{\"watched\":\"%s\"}", watched);
}
