/* Evasion: a file is mapped since before the snapshot, so that no call tells that it is written to: its time does. */
#include "victim.h"

static char path[256];
static char *memory;
static struct stat before;

static void prepare(void)
{
    static const char zeros[PAGE];
    int fd = temporary_file(path);
    write_all(fd, zeros, PAGE);
    memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(memory != MAP_FAILED && fstat(fd, &before) == 0 && close(fd) == 0, "mmap");
    usleep(20 * 1000); /* the kernel notes times by its ticks */
}

static void handle(const char *secret)
{
    struct stat now;
    check(stat(path, &now) == 0, "stat");
    bool written = memcmp(&now.st_mtim, &before.st_mtim, sizeof now.st_mtim) != 0;
    size_t changed = other_than(memory, PAGE, 0);
    leave(memory, PAGE, secret);
    answer("{\"changed\":%zu,\"written\":%d}", changed, written);
}
