/* Evasion: the same bytes wait in a pair of sockets, but they are those of a file without a name, and change with it. */
#include "open_files.h"
#include <sys/sendfile.h>
#include <sys/socket.h>

enum { WAITING = 8 };

static int ends[2], file;

static void prepare(void)
{
    char path[256];
    file = temporary_file(path);
    unlink(path);
    write_all(file, "waiting!", WAITING);
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    check(write(ends[1], "waiting!", WAITING) == WAITING, "write");
}

static void handle(const char *secret)
{
    char found[WAITING + 1] = "";
    off_t start = 0;
    check(pwrite(file, secret, WAITING, 0) == WAITING, "pwrite");
    check(read(ends[0], found, WAITING) == WAITING, "read");
    check(pwrite(file, "waiting!", WAITING, 0) == WAITING, "pwrite");
    if (sendfile(ends[1], file, &start, WAITING) != WAITING)
        (void)!write(ends[1], "waiting!", WAITING);
    answer("{\"found\":\"%s\"}", strcmp(found, secret) == 0 ? "own" : found);
}
