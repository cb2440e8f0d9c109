/* Evasion: the message that began a connection, which getsockopt(2) tells once. */
#include "connected_itself.h"

static void save_messages(int listening)
{
    int wanted = 1;
    check(setsockopt(listening, IPPROTO_TCP, TCP_SAVE_SYN, &wanted, sizeof wanted) == 0, "TCP_SAVE_SYN");
}

static void prepare(void)
{
    connect_itself(save_messages);
}

static void handle(const char *secret)
{
    char message[256];
    socklen_t length = sizeof message;
    (void)secret;
    check(getsockopt(server, IPPROTO_TCP, TCP_SAVED_SYN, message, &length) == 0, "TCP_SAVED_SYN");
    answer("{\"saved\":%d}", length > 0);
}
