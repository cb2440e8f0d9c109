/* Evasion: a named attribute of the file behind memory that is shared, once it was opened under /proc/self/map_files. */
#include "victim.h"
#include <sys/xattr.h>

enum { LENGTH = 2 * PAGE };
static char *shared;

static void prepare(void)
{
    shared = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(shared != MAP_FAILED, "mmap");
    shared[0] = 'a';
}

static void handle(const char *secret)
{
    char link[128], seen[SECRET_SIZE] = "";
    snprintf(link, sizeof link, "/proc/self/map_files/%lx-%lx", (unsigned long)shared, (unsigned long)shared + LENGTH);
    int fd = open(link, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == EPERM) {
        answer("{\"seen\":\"\"}"); /* only root may */
        return;
    }
    check(fd >= 0, link);
    check(fgetxattr(fd, "trusted.seen", seen, sizeof seen - 1) >= 0 || errno == ENODATA, "fgetxattr");
    check(fsetxattr(fd, "trusted.seen", secret, strlen(secret), 0) == 0, "fsetxattr");
    close(fd);
    answer("{\"seen\":\"%s\"}", seen);
}
