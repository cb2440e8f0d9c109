/* Evasion: a set that watches more than a thousand files has an edge of each of them left. */
#include "open_files.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { FILES = 1200 };

static int set, files[FILES];

static void watch(int operation, int at)
{
    struct epoll_event event = {.events = EPOLLOUT | EPOLLET, .data.u32 = (uint32_t)at};
    check(epoll_ctl(set, operation, files[at], &event) == 0, "epoll_ctl");
}

static int taken(void)
{
    struct epoll_event events[64];
    int count = 0;
    for (int told; (told = epoll_wait(set, events, 64, 0)) > 0;)
        count += told;
    return count;
}

static void prepare(void)
{
    struct rlimit limit;
    check(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    check(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
    set = epoll_create1(EPOLL_CLOEXEC);
    check(set >= 0, "epoll_create1");
    for (int at = 0; at < FILES; at++) {
        files[at] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        check(files[at] >= 0, "eventfd");
        watch(EPOLL_CTL_ADD, at);
    }
    check(taken() == FILES, "epoll_wait");
}

static void handle(const char *secret)
{
    (void)secret;
    int found = taken();
    for (int at = 0; at < FILES; at++)
        watch(EPOLL_CTL_MOD, at);
    answer("{\"edges\":%d}", found);
}
