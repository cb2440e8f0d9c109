/* Evasion: memory that is shared, and larger than what is mapped of it, once it was opened under /proc/self/map_files. */
#include "victim.h"

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
    int fd = open(link, O_RDWR | O_CLOEXEC);
    if (fd < 0 && errno == EPERM) {
        answer("{\"seen\":\"\"}"); /* only root may */
        return;
    }
    check(fd >= 0, link);
    check(pread(fd, seen, sizeof seen - 1, LENGTH) >= 0, "pread");
    check(pwrite(fd, secret, strlen(secret), LENGTH) == (ssize_t)strlen(secret), "pwrite");
    close(fd);
    answer("{\"seen\":\"%s\"}", seen);
}
