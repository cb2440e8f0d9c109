/* Evasion: a file is opened anew, for writing, and mapped in the place of a private mapping of the snapshot, which looks the same. The
 * mapping keeps what was opened: nobody can execute the file, or get a lease on it. */
#include "victim.h"

static char path[256];
static char *mapping;

static char *map(int flags, char *place, int fixed)
{
    int fd = open(path, flags | O_CLOEXEC);
    check(fd >= 0, path);
    char *mapped = mmap(place, PAGE, PROT_READ, MAP_PRIVATE | fixed, fd, 0);
    check(mapped != MAP_FAILED, "mmap");
    close(fd);
    return mapped;
}

static void prepare(void)
{
    int fd = temporary_file(path);
    check(ftruncate(fd, PAGE) == 0, "ftruncate");
    close(fd);
    mapping = map(O_RDONLY, NULL, 0);
}

static void handle(const char *secret)
{
    (void)secret;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    check(fd >= 0, path);
    bool is_written = fcntl(fd, F_SETLEASE, F_RDLCK) != 0;
    check(!is_written || errno == EAGAIN, "a lease");
    close(fd);
    check(map(O_RDWR, mapping, MAP_FIXED) == mapping, "mmap");
    answer("{\"written\":%d}", is_written);
}
