/* A pipe and a socket pair of the snapshot with bytes that a request left in them. */
#include "victim.h"
#include <sys/ioctl.h>
#include <sys/socket.h>

static int ends[2], sockets[2];

static void prepare(void)
{
    check(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0, "pipe");
    check(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets) == 0, "socketpair");
}

static void handle(const char *secret)
{
    int in_pipe = 0, in_socket = 0;
    check(ioctl(ends[0], FIONREAD, &in_pipe) == 0 && ioctl(sockets[0], FIONREAD, &in_socket) == 0, "FIONREAD");
    (void)!write(ends[1], secret, strlen(secret));
    (void)!send(sockets[1], secret, strlen(secret), 0);
    answer("{\"pipe\":%d,\"socket\":%d}", in_pipe, in_socket);
}
