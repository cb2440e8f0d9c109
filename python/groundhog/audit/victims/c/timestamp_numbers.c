/* The kernel numbers the datagrams of a socket whose times of sending it tells. */
#include "datagrams.h"
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

static int sender;

static void prepare(void)
{
    unsigned wanted = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |
                      SOF_TIMESTAMPING_OPT_TSONLY;
    sender = datagram_socket();
    check(setsockopt(sender, SOL_SOCKET, SO_TIMESTAMPING, &wanted, sizeof wanted) == 0, "SO_TIMESTAMPING");
}

static long told_number(void)
{
    char control[512];
    struct msghdr message = {.msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(sender, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
        return -1;
    for (struct cmsghdr *each = CMSG_FIRSTHDR(&message); each != NULL; each = CMSG_NXTHDR(&message, each))
        if (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_RECVERR) {
            struct sock_extended_err error;
            memcpy(&error, CMSG_DATA(each), sizeof error);
            return (long)error.ee_data;
        }
    return -1;
}

static void handle(const char *secret)
{
    int port = 0, receiving = receiver(&port);
    (void)secret;
    (void)!send_to(sender, "b", 0, port);
    await_error(sender);
    long number = told_number();
    close(receiving);
    answer("{\"number\":%ld}", number);
}
