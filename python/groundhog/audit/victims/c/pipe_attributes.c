/* The times and permissions of a pipe, which are those of its inode. Reading and writing sets the times to now; only a request
 * sets them to the years after 1970. */
#include "open_files.h"

enum { LONG_AGO = 100000000 };

static int ends[2];

static void prepare(void)
{
    check(pipe2(ends, O_CLOEXEC) == 0, "pipe");
}

static void handle(const char *secret)
{
    struct stat found;
    struct timespec times[2] = {{.tv_sec = number_in(secret)}, {.tv_sec = number_in(secret)}};
    check(fstat(ends[0], &found) == 0, "fstat");
    (void)!futimens(ends[1], times);
    (void)!fchmod(ends[1], 01600 | (mode_t)(number_in(secret) & 7));
    answer("{\"mode\":\"%o\",\"old\":%d}", found.st_mode & 07777, found.st_atime < LONG_AGO);
}
