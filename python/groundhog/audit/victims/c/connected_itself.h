/* What the victims share that are connected with themselves by TCP. A connection that a request used is shut down, which is no
 * secret: then it tells nothing. */
#include "datagrams.h"
#include <netinet/tcp.h>

static int client, server;

/* `set_up` sees the socket that listens. */
static void connect_itself(void (*set_up)(int listening))
{
    int port;
    int listening = listen_on_loopback(1, &port);
    if (set_up != NULL)
        set_up(listening);
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(client >= 0, "socket");
    connect_to(client, port);
    server = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    check(server >= 0, "accept");
    close(listening);
}

__attribute__((unused)) static bool is_open(int connection)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    check(getsockopt(connection, IPPROTO_TCP, TCP_INFO, &info, &length) == 0, "TCP_INFO");
    return info.tcpi_state == TCP_ESTABLISHED;
}

/* Until the other end's bytes, or the network's word on them, are there. */
__attribute__((unused)) static void await(int connection, short event)
{
    struct pollfd awaited = {.fd = connection, .events = event};
    check(poll(&awaited, 1, 1000) == 1, "poll");
}
