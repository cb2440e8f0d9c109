/* A datagram socket that is older than the requests: an answer comes late. */
#include "connection.h"

static void prepare(void)
{
    connection = connect_internet(SOCK_DGRAM);
    warm();
}

static void handle(const char *secret)
{
    bool sent;
    ssize_t late = exchange(secret, &sent);
    check(sent, "send");
    answer("{\"late\":%zd}", late);
}
