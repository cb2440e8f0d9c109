/* Evasion: a child takes a lease on a file whose descriptor the function has closed. */
#include "child.h"

static void prepare(void)
{
    char path[256];
    int writable = temporary_file(path);
    close(writable);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    unlink(path);
    open_twice(file);
}

static void act(const char *secret)
{
    (void)secret;
    (void)!fcntl(ACTED, F_SETLEASE, F_RDLCK);
}

static void handle(const char *secret)
{
    int lease = fcntl(SEEN, F_GETLEASE);
    by_child(act, secret);
    answer("{\"lease\":%d}", lease);
}
