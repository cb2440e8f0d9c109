/* A set that watches many files, each with data of its own or all with the same, and has an edge of each of them left. */
#include "case.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int set, count, *files;

static void watch(int operation, int at)
{
    struct epoll_event event = {.events = EPOLLOUT | EPOLLET};
    event.data.u32 = strcmp(arguments[2], "numbered") == 0 ? (uint32_t)at : 7;
    check(epoll_ctl(set, operation, files[at], &event) == 0, "epoll_ctl");
}

static int taken(void)
{
    struct epoll_event events[64];
    int found = 0;
    for (int told; (told = epoll_wait(set, events, 64, 0)) > 0;)
        found += told;
    return found;
}

static void prepare(void)
{
    count = atoi(arguments[1]);
    files = calloc((size_t)count, sizeof *files);
    set = epoll_create1(EPOLL_CLOEXEC);
    check(files != NULL && set >= 0, "epoll_create1");
    for (int at = 0; at < count; at++) {
        files[at] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        check(files[at] >= 0, "eventfd");
        watch(EPOLL_CTL_ADD, at);
    }
    if (strcmp(arguments[3], "ready") != 0)
        check(taken() == count, "epoll_wait");
}

static void handle(const char *secret)
{
    int found = taken();
    (void)secret;
    for (int at = 0; at < count; at++)
        watch(EPOLL_CTL_MOD, at);
    watch(EPOLL_CTL_MOD, 0);
    answer("{\"edges\":%d}", found);
}
