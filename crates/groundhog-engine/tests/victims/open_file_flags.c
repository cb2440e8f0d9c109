/* Status flags of a file that was open at the snapshot, set and cleared. */
#include "case.h"

static int file;

static void prepare(void)
{
    char path[256];
    file = temporary_file(path);
    unlink(path);
    check(fcntl(file, F_SETFL, O_APPEND) == 0, "F_SETFL");
}

static void handle(const char *secret)
{
    (void)secret;
    int flags = fcntl(file, F_GETFL);
    check(fcntl(file, F_SETFL, O_NONBLOCK | O_NOATIME) == 0, "F_SETFL");
    answer("{\"append\":%d,\"nonblock\":%d,\"noatime\":%d}", !!(flags & O_APPEND), !!(flags & O_NONBLOCK),
           !!(flags & O_NOATIME));
}
