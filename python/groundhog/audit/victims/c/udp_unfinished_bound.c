/* An unfinished datagram, by sendmmsg(2), on a socket that is bound to a port. */
#include "datagrams.h"

static int sender;

static void prepare(void)
{
    int port = 0;
    sender = receiver(&port);
}

static void handle(const char *secret)
{
    int port = 0, receiving = receiver(&port);
    struct sockaddr_in address = on_loopback(port);
    struct iovec part = {(char *)secret, strlen(secret)};
    struct mmsghdr message = {{&address, sizeof address, &part, 1, NULL, 0, 0}, 0};
    (void)!send_to(sender, "b", 0, port);
    ssize_t count = received(receiving);
    (void)!sendmmsg(sender, &message, 1, MSG_MORE);
    close(receiving);
    answer("{\"received\":%zd}", count);
}
