/* What could not be delivered comes back, with its contents, in a socket's queue of errors. */
#include "datagrams.h"

static int sender, port;

static void prepare(void)
{
    int wanted = 1;
    port = unused_port();
    sender = datagram_socket();
    check(setsockopt(sender, IPPROTO_IP, IP_RECVERR, &wanted, sizeof wanted) == 0, "IP_RECVERR");
}

static void handle(const char *secret)
{
    char returned[SECRET_SIZE] = "";
    struct iovec part = {returned, sizeof returned - 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t count = recvmsg(sender, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
    returned[count > 0 ? count : 0] = '\0';
    (void)!send_to(sender, secret, 0, port);
    await_error(sender);
    answer("{\"returned\":\"%s\"}", returned);
}
