/* Evasion: a TCP socket of the snapshot that is not connected yet is connected by sending. */
#include "datagrams.h"
#include "fast_open.h"

static int idle;

static void prepare(void)
{
    idle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(idle >= 0, "socket");
}

static void handle(const char *secret)
{
    char came[SECRET_SIZE] = "";
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    bool connected = getpeername(idle, (struct sockaddr *)&peer, &length) == 0;
    ssize_t count = recv(idle, came, sizeof came - 1, MSG_DONTWAIT);
    came[count > 0 ? count : 0] = '\0';
    open_fast(idle, secret);
    answer("{\"connected\":%d,\"came\":\"%s\"}", connected, came);
}
