/* Evasion: a named attribute of the file behind memory that is shared, once it was opened under /proc/self/map_files. */
#include "map_files.h"
#include <sys/xattr.h>

static void handle(const char *secret)
{
    char seen[SECRET_SIZE] = "";
    int fd = open(behind, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == EPERM) {
        answer("{\"seen\":\"\"}"); /* only root may */
        return;
    }
    check(fd >= 0, behind);
    check(fgetxattr(fd, "trusted.seen", seen, sizeof seen - 1) >= 0 || errno == ENODATA, "fgetxattr");
    check(fsetxattr(fd, "trusted.seen", secret, strlen(secret), 0) == 0, "fsetxattr");
    close(fd);
    answer("{\"seen\":\"%s\"}", seen);
}
