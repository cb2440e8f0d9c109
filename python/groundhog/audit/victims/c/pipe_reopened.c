/* Evasion: how much a pipe holds, set through another opening of it. */
#include "open_files.h"

static int ends[2];

static void prepare(void)
{
    check(pipe2(ends, O_CLOEXEC) == 0, "pipe");
}

static void handle(const char *secret)
{
    int size = fcntl(ends[0], F_GETPIPE_SZ), again = reopen(ends[0], O_WRONLY);
    if (again >= 0) {
        (void)!fcntl(again, F_SETPIPE_SZ, PAGE << (1 + number_in(secret) % 3));
        close(again);
    }
    answer("{\"size\":%d}", size);
}
