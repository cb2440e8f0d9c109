/* The kernel gives an end of a pair a name before its first message, where it is told who sends. */
#include "victim.h"
#include <sys/socket.h>
#include <sys/un.h>

enum { KINDS = 2 };
static const int kinds[KINDS] = {SOCK_DGRAM, SOCK_SEQPACKET};
static int pairs[KINDS][2];

static void prepare(void)
{
    const int set = 1;
    for (int at = 0; at < KINDS; at++) {
        check(socketpair(AF_UNIX, kinds[at] | SOCK_CLOEXEC, 0, pairs[at]) == 0, "socketpair");
        for (int end = 0; end < 2; end++)
            check(setsockopt(pairs[at][end], SOL_SOCKET, SO_PASSCRED, &set, sizeof set) == 0, "SO_PASSCRED");
    }
}

static bool has_name(int fd)
{
    struct sockaddr_un name;
    socklen_t length = sizeof name;
    check(getsockname(fd, (struct sockaddr *)&name, &length) == 0, "getsockname");
    return length > sizeof name.sun_family;
}

static void handle(const char *secret)
{
    char byte = 0;
    int named = 0;
    for (int at = 0; at < KINDS; at++)
        for (int end = 0; end < 2; end++)
            named = named << 1 | has_name(pairs[at][end]);
    for (int at = 0; at < KINDS; at++)
        if (at == 0 || (secret[0] & 1) != 0)
            check(send(pairs[at][0], &byte, 1, 0) == 1 && recv(pairs[at][1], &byte, 1, 0) == 1, "send");
    answer("{\"named\":%d}", named);
}
