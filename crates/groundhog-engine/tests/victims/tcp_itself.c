/* Connected with itself by TCP, as a server with a client in one process is. A request uses the end that it is told to, or fills all the
 * room that the other end has, to the byte, so that not even an end of the connection can be sent. "both": its listener is for both versions of the protocol. */
#include "case.h"
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int ends[2];

static void prepare(void)
{
    bool both = arguments[2] != NULL;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    struct sockaddr *own = both ? (struct sockaddr *)&any : (struct sockaddr *)&address;
    socklen_t length = both ? sizeof any : sizeof address;
    int listener = socket(own->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int least = 1; /* so that it is soon full */
    if (is("fill"))
        check(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &least, sizeof least) == 0, "SO_RCVBUF");
    check(listener >= 0 && bind(listener, own, length) == 0, "bind");
    check(listen(listener, 1) == 0 && getsockname(listener, own, &length) == 0, "listen");
    if (both)
        address.sin_port = any.sin6_port;
    length = sizeof address;
    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(ends[0] >= 0 && connect(ends[0], (struct sockaddr *)&address, length) == 0, "connect");
    ends[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    check(ends[1] >= 0, "accept");
}

static int state(int end)
{
    char byte;
    ssize_t found = recv(end, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    return found < 0 ? -errno : (int)found;
}

static void fill(int end)
{
    static char bytes[1 << 16];
    /* Nothing tells when it is acknowledged. What remains of the room may be too little for the kernel to send into. */
    for (int patience = 100000; patience > 0; patience--) {
        struct tcp_info info = {0};
        socklen_t length = sizeof info;
        int unacknowledged;
        check(getsockopt(end, IPPROTO_TCP, TCP_INFO, &info, &length) == 0, "TCP_INFO");
        check(ioctl(end, SIOCOUTQ, &unacknowledged) == 0, "SIOCOUTQ");
        if (unacknowledged > 0)
            sched_yield();
        else if (info.tcpi_snd_wnd == 0)
            return;
        else
            check(send(end, bytes, info.tcpi_snd_wnd, MSG_DONTWAIT) > 0, "send");
    }
}

static void handle(const char *secret)
{
    int states[2] = {state(ends[0]), state(ends[1])};
    int used = ends[is("shut-last") || is("send-last")];
    if (is("shut-first") || is("shut-last"))
        shutdown(used, SHUT_RD);
    else if (is("fill"))
        fill(used);
    else
        send(used, secret, strlen(secret), MSG_DONTWAIT | MSG_NOSIGNAL);
    answer("%d %d", states[0], states[1]);
}
