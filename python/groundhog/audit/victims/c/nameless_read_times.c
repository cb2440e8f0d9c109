/* Reading a file without a name leaves the time in it. */
#include "open_files.h"

static int file;

static void prepare(void)
{
    char path[256];
    struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}}; /* the kernel renews old ones only */
    file = temporary_file(path);
    unlink(path);
    check(write(file, "x", 1) == 1 && futimens(file, times) == 0, "write");
}

static void handle(const char *secret)
{
    struct stat found;
    char byte;
    (void)secret;
    check(fstat(file, &found) == 0 && pread(file, &byte, 1, 0) == 1, "pread");
    answer("{\"read\":%d}", found.st_atime != 1000);
}
