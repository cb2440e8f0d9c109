/* A pair of sockets of the snapshot, and what can be told of one: a duplicate of it that a request got unseen sets that for good. */
#ifndef KEPT_PAIR_H
#define KEPT_PAIR_H

#include "victim.h"
#include <sys/socket.h>

static int kept[2];

static void prepare(void)
{
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, kept) == 0, "socketpair");
}

static int priority_of(int socket)
{
    int priority = -1;
    socklen_t size = sizeof priority;
    check(getsockopt(socket, SOL_SOCKET, SO_PRIORITY, &priority, &size) == 0, "getsockopt");
    return priority;
}

#endif
