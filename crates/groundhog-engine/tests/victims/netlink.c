/* A socket to the kernel, opened while loading, gets its address with the first message. */
#include "case.h"
#include <linux/netlink.h>
#include <sys/socket.h>

static int kernel;

static void prepare(void)
{
    kernel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    check(kernel >= 0, "socket");
}

static void handle(const char *secret)
{
    /* Nothing that waits tells of it. */
    struct nlmsghdr silent = {.nlmsg_len = sizeof silent, .nlmsg_type = NLMSG_NOOP};
    struct sockaddr_nl own;
    socklen_t length = sizeof own;
    (void)secret;
    check(getsockname(kernel, (struct sockaddr *)&own, &length) == 0, "getsockname");
    check(send(kernel, &silent, sizeof silent, 0) == sizeof silent, "send");
    answer("had a port: %d", own.nl_pid != 0);
}
