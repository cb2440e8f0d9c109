/* What a request writes for another process to read: to a pipe that it was given, or to a socket for datagrams, through one that is
 * connected to that or through one of a pair ("pair"). */
#include "case.h"
#include <sys/socket.h>
#include <sys/un.h>

enum { GIVEN = 9 };

static int to = GIVEN;
static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void prepare(void)
{
    if (is("pipe"))
        return;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", arguments[2]);
    if (is("pair")) {
        static int ends[2];
        check(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
        to = ends[0];
        return;
    }
    to = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    check(to >= 0 && connect(to, (struct sockaddr *)&address, sizeof address) == 0, "connect");
}

static void handle(const char *secret)
{
    bool is_written = is("pair") ? sendto(to, secret, strlen(secret), 0, (struct sockaddr *)&address, sizeof address) > 0
                                 : write(to, secret, strlen(secret)) > 0;
    check(is_written || errno == ECONNREFUSED, "write");
    answer(is_written ? "written" : "nobody reads");
}
