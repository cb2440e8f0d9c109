/* What a request writes for another process to read: to a pipe that it was given, or to a socket for datagrams. */
#include "case.h"
#include <sys/socket.h>
#include <sys/un.h>

enum { GIVEN = 9 };

static int to = GIVEN;

static void prepare(void)
{
    if (is("pipe"))
        return;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", arguments[2]);
    to = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    check(to >= 0 && connect(to, (struct sockaddr *)&address, sizeof address) == 0, "connect");
}

static void handle(const char *secret)
{
    bool is_written = write(to, secret, strlen(secret)) > 0;
    check(is_written || errno == ECONNREFUSED, "write");
    answer(is_written ? "written" : "nobody reads");
}
