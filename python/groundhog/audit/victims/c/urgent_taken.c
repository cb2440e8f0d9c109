/* Evasion: the urgent byte of a TCP connection, which waited at the snapshot, is taken: no byte has gone through since. */
#include "connected_itself.h"

static void prepare(void)
{
    connect_itself(NULL);
    check(send(client, "!", 1, MSG_OOB) == 1, "send");
    await(server, POLLPRI);
}

static void handle(const char *secret)
{
    char byte;
    bool gone = is_open(server) && recv(server, &byte, 1, MSG_OOB | MSG_DONTWAIT) != 1;
    (void)secret;
    answer("{\"gone\":%d}", gone);
}
