/* A file that only a mapping keeps open for writing: until then nobody gets a lease to read it. */
#include "victim.h"

static char *memory;
static char path[256];

static void prepare(void)
{
    int fd = temporary_file(path);
    check(ftruncate(fd, PAGE) == 0, "ftruncate");
    memory = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    check(memory != MAP_FAILED, "mmap");
    close(fd);
}

static void handle(const char *secret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    (void)secret;
    check(fd >= 0, "open");
    bool is_written = fcntl(fd, F_SETLEASE, F_RDLCK) != 0;
    close(fd);
    if (is_mapped(memory, PAGE))
        check(munmap(memory, PAGE) == 0, "munmap");
    answer("{\"written\":%d}", is_written);
}
