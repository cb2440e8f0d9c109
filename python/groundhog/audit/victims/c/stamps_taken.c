/* Evasion: the time at which a connection sent what the warm-up wrote, told once in its queue of errors. */
#include "connected_itself.h"
#include <linux/net_tstamp.h>

static void prepare(void)
{
    int wanted = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY;
    connect_itself(NULL);
    check(setsockopt(client, SOL_SOCKET, SO_TIMESTAMPING, &wanted, sizeof wanted) == 0, "SO_TIMESTAMPING");
    check(write(client, "stamped", 7) == 7, "write");
    await(client, 0); /* POLLERR */
}

static void handle(const char *secret)
{
    char control[256], byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    bool gone = is_open(client) && recvmsg(client, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0;
    (void)secret;
    answer("{\"gone\":%d}", gone);
}
