/* Two shared mappings of one open file, of which a request exchanges one for what looks the same, and is of another opening. */
#include "case.h"

static char path[256], *parts;

static void prepare(void)
{
    int fd = temporary_file(path);
    check(ftruncate(fd, 2 * PAGE) == 0, "ftruncate");
    char *place = lonely(2 * PAGE);
    parts = mmap(place, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    check(parts == place && mprotect(place + PAGE, PAGE, PROT_READ) == 0, "mmap");
    close(fd);
}

static void handle(const char *secret)
{
    (void)secret;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    check(fd >= 0, path);
    check(mmap(parts, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == parts, "mmap");
    close(fd);
    unlink(path);
    answer("exchanged");
}
