/* A connection over a Unix socket that is older than the requests: an answer comes late. */
#include "connection.h"

static void prepare(void)
{
    connection = connect_unix();
    warm();
}

static void handle(const char *secret)
{
    bool sent;
    ssize_t late = exchange(secret, &sent);
    if (!sent) {
        int another = connect_unix();
        check(write(another, secret, strlen(secret)) > 0, "write");
    }
    answer("{\"late\":%zd}", late);
}
