/* As many errors as there is room for in a socket's queue of them: thousands, if its buffer may be large. */
#include "datagrams.h"
#include <netinet/ip.h>

enum { WANTED = 6000, BUFFER = 4 << 20, LARGEST = 65507 };

static int sender, port;
static char datagram[LARGEST];

static void prepare(void)
{
    int wanted = 1, room = BUFFER;
    unsigned char options[MAX_IPOPTLEN];
    memset(options, IPOPT_NOOP, sizeof options);
    port = unused_port();
    sender = datagram_socket();
    check(setsockopt(sender, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) == 0, "SO_RCVBUF");
    check(setsockopt(sender, IPPROTO_IP, IP_RECVERR, &wanted, sizeof wanted) == 0, "IP_RECVERR");
    /* With these the largest datagram is too large for any packet, of which no network has to tell. */
    check(setsockopt(sender, IPPROTO_IP, IP_OPTIONS, options, sizeof options) == 0, "IP_OPTIONS");
}

static int errors(void)
{
    struct msghdr none = {0};
    int count = 0;
    while (recvmsg(sender, &none, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0)
        count++;
    return count;
}

static void handle(const char *secret)
{
    struct sockaddr_in address = on_loopback(port);
    int found = errors();
    (void)secret;
    for (int times = 0; times < WANTED; times++) {
        ssize_t sent = sendto(sender, datagram, sizeof datagram, 0, (struct sockaddr *)&address, sizeof address);
        check(sent < 0 && errno == EMSGSIZE, "sendto");
    }
    answer("{\"errors\":%d}", found);
}
