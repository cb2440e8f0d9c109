/* That a socket of a port which several share was ever connected, the kernel keeps as long as any of them is open: it goes on to look for
   one that is bound more closely. Those of the snapshot are open for ever. */
#include "datagrams.h"

static int port, closer;

/* A socket of that port; `device`: bound to the loopback device, too. */
static int shares(bool device)
{
    int yes = 1, made = datagram_socket();
    struct sockaddr_in address = on_loopback(port);
    socklen_t length = sizeof address;
    check(setsockopt(made, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) == 0, "SO_REUSEPORT");
    if (device)
        check(setsockopt(made, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) == 0, "SO_BINDTODEVICE");
    check(bind(made, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    check(getsockname(made, (struct sockaddr *)&address, &length) == 0, "getsockname");
    port = ntohs(address.sin_port);
    return made;
}

static void prepare(void)
{
    closer = shares(true);
    shares(false);
}

static void handle(const char *secret)
{
    (void)secret;
    int from = datagram_socket();
    check(send_to(from, "x", 0, port) == 1, "sendto");
    struct pollfd told = {.fd = closer, .events = POLLIN};
    int found = poll(&told, 1, 100);
    close(from);
    int connected = shares(false);
    connect_to(connected, 9);
    close(connected);
    answer("{\"closer\":%d}", found);
}
