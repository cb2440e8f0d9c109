/* An error that a socket has yet to tell of: nobody receives at the port that it is connected to. */
#include "datagrams.h"

static int sender;

static void prepare(void)
{
    int port = unused_port();
    sender = datagram_socket();
    connect_to(sender, port);
}

static void handle(const char *secret)
{
    int error = 0;
    socklen_t length = sizeof error;
    check(getsockopt(sender, SOL_SOCKET, SO_ERROR, &error, &length) == 0, "SO_ERROR");
    (void)!send(sender, secret, strlen(secret), 0);
    await_error(sender);
    answer("{\"error\":%d}", error);
}
