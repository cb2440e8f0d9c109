/* Evasion: an epoll set watches a file that another process has handed over and keeps open. */
#include "connection.h"
#include "open_files.h"
#include <sys/epoll.h>

static int set;

static void prepare(void)
{
    set = epoll_create1(EPOLL_CLOEXEC);
    check(set >= 0, "epoll_create1");
}

/* What the server gives, and keeps. */
static int given(void)
{
    char byte;
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control;
    struct iovec text = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = &control};
    message.msg_controllen = sizeof control;
    int number, fd = connect_unix();
    check(write(fd, "G", 1) == 1 && recvmsg(fd, &message, MSG_CMSG_CLOEXEC) == 1, "the server's gift");
    check(CMSG_FIRSTHDR(&message) != NULL, "a descriptor");
    memcpy(&number, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof number);
    close(fd);
    return number;
}

static void handle(const char *secret)
{
    char watched[256];
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)number_in(secret)};
    fdinfo(set, "tfd:", watched);
    int gift = given();
    (void)!epoll_ctl(set, EPOLL_CTL_ADD, gift, &event);
    close(gift);
    answer("{\"watched\":\"%s\"}", watched);
}
