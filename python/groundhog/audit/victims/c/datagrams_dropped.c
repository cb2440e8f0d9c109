/* How many datagrams a socket has dropped for want of room: a counter that only goes up. */
#include "datagrams.h"
#include <linux/sock_diag.h>

static int sender, is_told = 1;

static void prepare(void)
{
    int least = 1;
    sender = datagram_socket();
    check(setsockopt(sender, SOL_SOCKET, SO_RCVBUF, &least, sizeof least) == 0, "SO_RCVBUF");
}

static uint32_t dropped(void)
{
    uint32_t found[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof found;
    is_told = getsockopt(sender, SOL_SOCKET, SO_MEMINFO, found, &length) == 0;
    check(is_told || errno == ENOPROTOOPT, "SO_MEMINFO");
    return found[SK_MEMINFO_DROPS];
}

static void handle(const char *secret)
{
    uint32_t before = dropped();
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    int port = 0, receiving = receiver(&port);
    char much[1024] = "", byte;
    (void)secret;
    check(send_to(sender, "b", 0, port) == 1, "sendto");
    await_arrival(receiving);
    check(recvfrom(receiving, &byte, 1, 0, (struct sockaddr *)&from, &size) == 1, "recvfrom");
    for (int i = 0; i < 16; i++)
        (void)!sendto(receiving, much, sizeof much, 0, (struct sockaddr *)&from, size);
    for (int i = 0; i < 10000 && is_told && dropped() == before; i++)
        (void)!poll(NULL, 0, 1); /* no event tells of it */
    close(receiving);
    while (received(sender) > 0)
        ;
    answer("{\"dropped\":%u}", before);
}
