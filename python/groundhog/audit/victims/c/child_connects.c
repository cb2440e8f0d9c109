/* Evasion: a child connects a logger's datagram socket elsewhere, whose descriptor the function has closed: what later
 * requests log goes to another receiver. */
#include "child.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { LOGS_TO = 514 };

static void connect_to(int fd, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)port);
    (void)!connect(fd, (struct sockaddr *)&address, sizeof address);
}

static void prepare(void)
{
    int logger = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    connect_to(logger, LOGS_TO);
    open_twice(logger);
}

static void act(const char *secret)
{
    connect_to(ACTED, 20000 + number_in(secret));
}

static void handle(const char *secret)
{
    struct sockaddr_in peer = {0};
    socklen_t length = sizeof peer;
    (void)!getpeername(SEEN, (struct sockaddr *)&peer, &length);
    by_child(act, secret);
    answer("{\"peer\":%d}", ntohs(peer.sin_port));
}
