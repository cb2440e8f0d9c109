/* Evasion: a child shuts one direction of a pair of sockets whose descriptor the function has closed. */
#include "child.h"
#include <sys/socket.h>

static int other;

static void prepare(void)
{
    int ends[2];
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    open_twice(ends[0]);
    other = ends[1];
}

static void act(const char *secret)
{
    (void)secret;
    (void)!shutdown(ACTED, SHUT_WR);
}

static void handle(const char *secret)
{
    char byte;
    ssize_t end = recv(other, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    by_child(act, secret);
    answer("{\"at_its_end\":%d}", end == 0);
}
