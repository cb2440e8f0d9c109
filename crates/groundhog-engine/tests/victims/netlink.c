/* A socket to the kernel, opened while loading: whatever a request asks through it is answered when the kernel likes. */
#include "case.h"
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

static int kernel;

static void prepare(void)
{
    kernel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    check(kernel >= 0, "socket");
}

static void handle(const char *secret)
{
    struct {
        struct nlmsghdr head;
        struct rtgenmsg about;
    } question = {{sizeof question, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0}, {AF_UNSPEC}};
    struct sockaddr_nl own;
    socklen_t length = sizeof own;
    (void)secret;
    check(getsockname(kernel, (struct sockaddr *)&own, &length) == 0, "getsockname");
    check(send(kernel, &question, sizeof question, 0) == sizeof question, "send");
    answer("had a port: %d", own.nl_pid != 0);
}
