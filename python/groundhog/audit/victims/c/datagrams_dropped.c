/* How many datagrams a socket has dropped for want of room: a counter that only goes up. */
#include "datagrams.h"
#include <linux/sock_diag.h>

static int sender;

static void prepare(void)
{
    int least = 1;
    sender = datagram_socket();
    check(setsockopt(sender, SOL_SOCKET, SO_RCVBUF, &least, sizeof least) == 0, "SO_RCVBUF");
}

static void handle(const char *secret)
{
    uint32_t found[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof found;
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    int port = 0, receiving = receiver(&port);
    char much[1024] = "", byte;
    (void)secret;
    check(getsockopt(sender, SOL_SOCKET, SO_MEMINFO, found, &length) == 0, "SO_MEMINFO");
    if (send_to(sender, "b", 0, port) == 1 &&
        recvfrom(receiving, &byte, 1, 0, (struct sockaddr *)&from, &size) == 1)
        for (int i = 0; i < 16; i++)
            (void)!sendto(receiving, much, sizeof much, 0, (struct sockaddr *)&from, size);
    close(receiving);
    while (received(sender) > 0)
        ;
    answer("{\"dropped\":%u}", found[SK_MEMINFO_DROPS]);
}
