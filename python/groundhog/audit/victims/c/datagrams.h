/* What the victims share that send datagrams on the machine itself, where they usually arrive before the call returns. */
#ifndef DATAGRAMS_H
#define DATAGRAMS_H

#include "open_files.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

static struct sockaddr_in on_loopback(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)port);
    return address;
}

static int datagram_socket(void)
{
    int made = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    check(made >= 0, "socket");
    return made;
}

/* A socket that is bound to a port, 0 for any, which is then told. */
__attribute__((unused)) static int receiver(int *port)
{
    struct sockaddr_in address = on_loopback(*port);
    socklen_t length = sizeof address;
    int made = datagram_socket();
    check(bind(made, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    check(getsockname(made, (struct sockaddr *)&address, &length) == 0, "getsockname");
    *port = ntohs(address.sin_port);
    return made;
}

/* A port of this machine at which nobody receives. */
__attribute__((unused)) static int unused_port(void)
{
    int port = 0;
    close(receiver(&port));
    return port;
}

__attribute__((unused)) static ssize_t send_to(int from, const char *text, int flags, int port)
{
    struct sockaddr_in address = on_loopback(port);
    return sendto(from, text, strlen(text), flags, (struct sockaddr *)&address, sizeof address);
}

__attribute__((unused)) static void connect_to(int fd, int port)
{
    struct sockaddr_in address = on_loopback(port);
    check(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
}

/* How many bytes the next datagram has; none: 0. */
__attribute__((unused)) static ssize_t received(int fd)
{
    char bytes[256];
    ssize_t count = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    return count > 0 ? count : 0;
}

/* Wait for what was sent: a busy machine may deliver it only after the call. */
__attribute__((unused)) static void await_arrival(int fd)
{
    struct pollfd awaited = {.fd = fd, .events = POLLIN};
    (void)!poll(&awaited, 1, 10000);
}

/* The network tells of an error soon. */
__attribute__((unused)) static void await_error(int fd)
{
    struct pollfd awaited = {.fd = fd};
    (void)!poll(&awaited, 1, 100);
}

/* A listener on a free port, which goes to `port`. */
__attribute__((unused)) static int listen_on_loopback(int backlog, int *port)
{
    struct sockaddr_in address = on_loopback(0);
    socklen_t length = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    check(listening >= 0 && bind(listening, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    check(listen(listening, backlog) == 0, "listen");
    check(getsockname(listening, (struct sockaddr *)&address, &length) == 0, "getsockname");
    *port = ntohs(address.sin_port);
    return listening;
}

#endif
