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

static bool is_locked(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int again = open(path, O_RDWR | O_CLOEXEC);
    check(again >= 0, "open");
    bool locked = flock(again, LOCK_EX | LOCK_NB) != 0;
    close(again);
    return locked;
}

static void handle(const char *secret)
{
    (void)secret;
    bool locked = is_locked();
    struct f_owner_ex owner;
    uid_t users[2] = {0, 0};
    int size = fcntl(ends[0], F_GETPIPE_SZ);
    check(fcntl(ends[0], F_GETOWN_EX, &owner) == 0, "F_GETOWN_EX");
    fcntl(ends[0], 17 /* F_GETOWNER_UIDS */, users);
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
    answer("locked %d, owner %d %d %u, size %d", locked, owner.type, owner.pid != 0, users[0], size);
}
