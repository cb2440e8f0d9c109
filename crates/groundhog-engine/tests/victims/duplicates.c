/* What can be done to an open file of the snapshot through a duplicate of its descriptor. */
#include "case.h"
#include <sys/file.h>
#include <sys/socket.h>

static int file, sockets[2], ends[2];

static void prepare(void)
{
    char path[256];
    file = temporary_file(path);
    unlink(path);
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0 && pipe(ends) == 0, "open files");
}

static void handle(const char *secret)
{
    (void)secret;
    if (is("lock"))
        check(flock(dup(file), LOCK_EX) == 0, "flock");
    else if (is("owner"))
        check(fcntl(fcntl(ends[0], F_DUPFD, 40), F_SETOWN, getpid()) == 0, "F_SETOWN");
    else if (is("size"))
        check(fcntl(dup2(ends[0], 50), F_SETPIPE_SZ, 1 << 18) > 0, "F_SETPIPE_SZ");
    else if (is("option"))
        check(setsockopt(dup(sockets[0]), SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)) == 0, "setsockopt");
    else /* "nothing": only duplicated */
        check(dup(file) >= 0 && dup(ends[0]) >= 0, "dup");
    answer("done");
}
