/* Evasion: an unfinished datagram on a connected socket, such as a client's for statistics, corked through a duplicate of
 * its descriptor. */
#include "datagrams.h"

static int sender, port;

static void prepare(void)
{
    port = unused_port();
    sender = datagram_socket();
    connect_to(sender, port);
}

static void handle(const char *secret)
{
    int corked = 1, receiving = receiver(&port);
    (void)!send(sender, "b", 1, 0);
    ssize_t count = received(receiving);
    int other = dup(sender);
    if (other >= 0) {
        (void)!setsockopt(other, IPPROTO_UDP, UDP_CORK, &corked, sizeof corked);
        (void)!write(other, secret, strlen(secret));
        close(other);
    }
    close(receiving);
    answer("{\"received\":%zd}", count);
}
