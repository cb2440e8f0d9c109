/* A list of the kernel's network devices that a request has begun to read, and the next one reads on. */
#include "open_files.h"
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

static int asking;

static void prepare(void)
{
    asking = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    check(asking >= 0, "AF_NETLINK");
}

static void handle(const char *secret)
{
    char bytes[1 << 14];
    struct {
        struct nlmsghdr header;
        struct rtgenmsg what;
    } request = {{sizeof request, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0}, {AF_UNSPEC}};
    (void)secret;
    ssize_t waiting = recv(asking, bytes, sizeof bytes, MSG_DONTWAIT);
    (void)!send(asking, &request, sizeof request, 0);
    answer("{\"waiting\":%d}", waiting > 0);
}
