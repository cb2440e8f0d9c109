/* From where a socket peeks next goes on with each peek. */
#include "open_files.h"
#include <sys/socket.h>

static int ends[2];

static void prepare(void)
{
    int start = 0;
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    check(setsockopt(ends[0], SOL_SOCKET, SO_PEEK_OFF, &start, sizeof start) == 0, "SO_PEEK_OFF");
    check(write(ends[1], "waiting!", 8) == 8, "write");
}

static void handle(const char *secret)
{
    char byte[2] = "";
    (void)secret;
    (void)!recv(ends[0], byte, 1, MSG_PEEK | MSG_DONTWAIT);
    answer("{\"next\":\"%s\"}", byte);
}
