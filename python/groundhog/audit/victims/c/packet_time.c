/* When the last datagram came to a socket, which the kernel keeps with it. */
#include "datagrams.h"
#include <linux/sockios.h>
#include <sys/ioctl.h>

static int kept;

static void prepare(void)
{
    struct timeval unused;
    kept = datagram_socket();
    (void)!ioctl(kept, SIOCGSTAMP_OLD, &unused); /* from now on it keeps them */
}

static void handle(const char *secret)
{
    struct timeval came;
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    int port = 0, receiving = receiver(&port);
    char byte;
    (void)secret;
    bool known = ioctl(kept, SIOCGSTAMP_OLD, &came) == 0;
    if (send_to(kept, "b", 0, port) == 1 &&
        recvfrom(receiving, &byte, 1, 0, (struct sockaddr *)&from, &size) == 1 &&
        sendto(receiving, "b", 1, 0, (struct sockaddr *)&from, size) == 1)
        (void)!received(kept);
    close(receiving);
    answer("{\"known\":%d}", known);
}
