/* Evasion: an urgent byte in a pair of sockets, which counts as waiting, and which no usual read gets. */
#include "open_files.h"
#include <sys/socket.h>

static int ends[2];

static void prepare(void)
{
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
}

static void handle(const char *secret)
{
    unsigned char urgent = 0;
    ssize_t count = recv(ends[1], &urgent, 1, MSG_OOB | MSG_DONTWAIT);
    (void)!send(ends[0], secret + strlen(secret) - 1, 1, MSG_OOB | MSG_DONTWAIT);
    answer("{\"urgent\":%d}", count == 1 ? urgent : -1);
}
