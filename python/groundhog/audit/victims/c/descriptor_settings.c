/* Settings of open files of the snapshot: how much a pipe holds, and which signal tells of input. */
#include "descriptor_kept.h"

static void prepare(void)
{
    int ends[2];
    check(pipe(ends) == 0, "pipe");
    keep(ends[0]);
}

static void handle(const char *secret)
{
    (void)secret;
    int size = fcntl(KEPT, F_GETPIPE_SZ), signal_number = fcntl(KEPT, F_GETSIG);
    check(fcntl(KEPT, F_SETPIPE_SZ, 1 << 17) > 0 && fcntl(KEPT, F_SETSIG, SIGWINCH) == 0, "fcntl");
    answer("{\"size\":%d,\"signal\":%d}", size, signal_number);
}
