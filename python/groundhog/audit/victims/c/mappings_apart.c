/* Evasion: two shared mappings of one opening of a file, which the kernel joins wherever they meet, and one of an opening whose descriptor
 * stays, with which it joins what is mapped beside it. It does not where one was removed and mapped anew, or replaced by what looks
 * the same, by another opening. */
#include "mappings.h"

enum { SIZE = 2 * PAGE };
static char *first, *second, *kept;
static char path[256];
static int descriptor;

static char *map_shared(char *place, int fd, off_t offset)
{
    return mmap(place, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, offset);
}

static void prepare(void)
{
    int fd = temporary_file(path);
    check(ftruncate(fd, 2 * SIZE) == 0, "ftruncate");
    first = map_shared(reserve_alone(2 * SIZE) + PAGE, fd, 0);
    second = map_shared(reserve_alone(SIZE) + PAGE, fd, SIZE);
    check(first != MAP_FAILED && second != MAP_FAILED && close(fd) == 0, "mmap");
    descriptor = memfd_create("apart", MFD_CLOEXEC);
    check(descriptor >= 0 && ftruncate(descriptor, 2 * SIZE) == 0, "memfd_create");
    kept = map_shared(reserve_alone(2 * SIZE) + PAGE, descriptor, 0);
    check(kept != MAP_FAILED, "mmap");
}

/* How many mappings there are where two meet, which a child tries that has its own. */
static int where_they_meet(bool is_moved)
{
    char *before = is_moved ? first : kept;
    pid_t child = fork();
    check(child >= 0, "fork");
    if (child == 0) {
        char *met = is_moved ? mremap(second, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, before + SIZE)
                             : map_shared(before + SIZE, descriptor, SIZE);
        _exit(met == before + SIZE ? (int)mappings_within(before, 2 * SIZE) : 0);
    }
    int status;
    check(waitpid(child, &status, 0) == child, "waitpid");
    return WEXITSTATUS(status);
}

static void handle(const char *secret)
{
    int moved = where_they_meet(true), mapped = where_they_meet(false);
    unsigned long way = strtoul(strpbrk(secret, "0123456789"), NULL, 10) % 3;
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    if (way == 0) {
        check(munmap(second, SIZE) == 0, "munmap");
    } else {
        int fd = open(way == 1 ? path : name, O_RDWR | O_CLOEXEC);
        char *place = way == 1 ? second : kept;
        check(fd >= 0 && map_shared(place, fd, way == 1 ? SIZE : 0) == place, "mmap");
        close(fd);
    }
    answer("{\"moved\":%d,\"mapped\":%d}", moved, mapped);
}
