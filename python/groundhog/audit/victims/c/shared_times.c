/* Evasion: the times of the file behind memory that is shared, which tell when that was written, and can be set. */
#include "map_files.h"

enum { LONG_AGO = 1000 };

static void handle(const char *secret)
{
    (void)secret;
    struct stat now;
    if (stat(behind, &now) != 0 && errno == EPERM) {
        answer("{\"set\":false,\"written\":false}"); /* only root may */
        return;
    }
    check(stat(behind, &now) == 0, behind);
    bool was_set = now.st_atim.tv_sec == LONG_AGO, was_written = now.st_mtim.tv_sec == LONG_AGO;
    struct timespec times[2] = {{LONG_AGO, 0}, {LONG_AGO, 0}};
    check(utimensat(AT_FDCWD, behind, times, 0) == 0, "utimensat");
    answer("{\"set\":%s,\"written\":%s}", was_set ? "true" : "false", was_written ? "true" : "false");
}
