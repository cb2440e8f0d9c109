/* Evasion: memory that is shared, and larger than what is mapped of it, once it was opened under /proc/self/map_files. */
#include "map_files.h"

static void handle(const char *secret)
{
    char seen[SECRET_SIZE] = "";
    int fd = open(behind, O_RDWR | O_CLOEXEC);
    if (fd < 0 && errno == EPERM) {
        answer("{\"seen\":\"\"}"); /* only root may */
        return;
    }
    check(fd >= 0, behind);
    check(pread(fd, seen, sizeof seen - 1, LENGTH) >= 0, "pread");
    check(pwrite(fd, secret, strlen(secret), LENGTH) == (ssize_t)strlen(secret), "pwrite");
    close(fd);
    answer("{\"seen\":\"%s\"}", seen);
}
