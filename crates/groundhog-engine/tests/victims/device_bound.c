/* The device that a datagram socket is bound to, which it loses when the kernel is asked to give it another port. */
#include "case.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static int sender;

static void prepare(void)
{
    struct sockaddr_in discard = {.sin_family = AF_INET, .sin_port = htons(9)};
    discard.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    check(sender >= 0 && setsockopt(sender, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) == 0, "SO_BINDTODEVICE");
    check(connect(sender, (struct sockaddr *)&discard, sizeof discard) == 0, "connect");
}

static void handle(const char *secret)
{
    char device[16] = "";
    socklen_t length = sizeof device;
    check(getsockopt(sender, SOL_SOCKET, SO_BINDTODEVICE, device, &length) == 0, "SO_BINDTODEVICE");
    (void)!send(sender, secret, strlen(secret), 0);
    answer("{\"device\":\"%s\"}", device);
}
