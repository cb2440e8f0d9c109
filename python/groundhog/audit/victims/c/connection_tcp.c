/* A TCP connection that is older than the requests: an answer comes late. */
#include "connection.h"

static void prepare(void)
{
    connection = connect_internet(SOCK_STREAM);
    warm();
}

static void handle(const char *secret)
{
    bool sent;
    ssize_t late = exchange(secret, &sent);
    if (!sent) {
        int another = connect_internet(SOCK_STREAM);
        check(write(another, secret, strlen(secret)) > 0, "write");
    }
    answer("{\"late\":%zd}", late);
}
