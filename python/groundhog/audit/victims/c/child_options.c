/* Evasion: a child sets an option of a socket whose descriptor the function has closed. */
#include "child.h"
#include <sys/socket.h>

static void prepare(void)
{
    open_twice(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static void act(const char *secret)
{
    int value = 1000 + number_in(secret);
    (void)!setsockopt(ACTED, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof value);
}

static void handle(const char *secret)
{
    int value = 0;
    socklen_t length = sizeof value;
    check(getsockopt(SEEN, SOL_SOCKET, SO_RCVLOWAT, &value, &length) == 0, "getsockopt");
    by_child(act, secret);
    answer("{\"least\":%d}", value);
}
