/* A lock on an open file that only a mapping keeps open, and that goes with it. */
#include "victim.h"
#include <sys/file.h>

static char *memory;
static char path[256];

static void prepare(void)
{
    int fd = temporary_file(path);
    check(ftruncate(fd, PAGE) == 0 && flock(fd, LOCK_EX) == 0, "flock");
    memory = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    check(memory != MAP_FAILED, "mmap");
    close(fd);
}

static void handle(const char *secret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    (void)secret;
    check(fd >= 0, "open");
    bool is_locked = flock(fd, LOCK_EX | LOCK_NB) != 0;
    close(fd);
    if (is_mapped(memory, PAGE))
        check(munmap(memory, PAGE) == 0, "munmap");
    answer("{\"locked\":%d}", is_locked);
}
