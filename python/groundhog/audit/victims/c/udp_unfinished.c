/* A datagram that a request begins and does not finish (MSG_MORE): what the next one sends is appended to it, and goes to
 * whom the first one named. */
#include "datagrams.h"

static int sender;

static void prepare(void)
{
    sender = datagram_socket();
}

static void handle(const char *secret)
{
    int port = 0, receiving = receiver(&port);
    (void)!send_to(sender, "b", 0, port);
    ssize_t count = received(receiving);
    (void)!send_to(sender, secret, MSG_MORE, port);
    close(receiving);
    answer("{\"received\":%zd}", count);
}
