/* An unfinished datagram on a connected socket, by splice(2) from a pipe. */
#include "datagrams.h"

static int sender, port;

static void prepare(void)
{
    port = unused_port();
    sender = datagram_socket();
    connect_to(sender, port);
}

static void handle(const char *secret)
{
    int ends[2], receiving = receiver(&port);
    (void)!send(sender, "b", 1, 0);
    ssize_t count = received(receiving);
    check(pipe2(ends, O_CLOEXEC) == 0, "pipe");
    write_all(ends[1], secret, strlen(secret));
    (void)!splice(ends[0], NULL, sender, NULL, strlen(secret), SPLICE_F_MORE);
    close(ends[0]);
    close(ends[1]);
    close(receiving);
    answer("{\"received\":%zd}", count);
}
