/* Which processor has handled the last datagram of a connected socket. */
#include "datagrams.h"

static int kept, port;

static void prepare(void)
{
    port = unused_port();
    kept = datagram_socket();
    connect_to(kept, port);
}

static void handle(const char *secret)
{
    int processor = 0, receiving = receiver(&port);
    socklen_t length = sizeof processor;
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    char byte;
    (void)secret;
    check(getsockopt(kept, SOL_SOCKET, SO_INCOMING_CPU, &processor, &length) == 0, "SO_INCOMING_CPU");
    if (send(kept, "b", 1, 0) == 1 &&
        recvfrom(receiving, &byte, 1, 0, (struct sockaddr *)&from, &size) == 1 &&
        sendto(receiving, "b", 1, 0, (struct sockaddr *)&from, size) == 1)
        (void)!received(kept);
    close(receiving);
    answer("{\"known\":%d}", processor >= 0);
}
