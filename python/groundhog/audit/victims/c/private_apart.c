/* Evasion: two private mappings of one opening of a file, and one of an opening whose descriptor stays. The kernel joins such mappings where
 * they meet, if not both have pages of their own: one that is new has none, and one that was moved away and stayed
 * (MREMAP_DONTUNMAP) has none any more. It does not where one was removed and mapped anew, or replaced by what looks the same, by
 * another opening. */
#include "mappings.h"

enum { SIZE = 2 * PAGE };
static char *first, *second, *kept;
static char path[256];
static int descriptor;

static char *map_private(char *place, int fd, off_t offset)
{
    return mmap(place, SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, offset);
}

static char *moved(char *from, char *place, int flags)
{
    char *to = mremap(from, SIZE, SIZE, MREMAP_MAYMOVE | flags, place);
    check(to != MAP_FAILED, "mremap");
    return to;
}

static void prepare(void)
{
    descriptor = temporary_file(path);
    check(ftruncate(descriptor, 2 * SIZE) == 0, "ftruncate");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    first = map_private(reserve_alone(SIZE) + PAGE, fd, 0);
    second = map_private(reserve_alone(SIZE) + PAGE, fd, SIZE);
    kept = map_private(reserve_alone(SIZE) + PAGE, descriptor, 0);
    check(first != MAP_FAILED && second != MAP_FAILED && kept != MAP_FAILED && close(fd) == 0, "mmap");
}

/* How many mappings one and what comes next are where they meet. */
static size_t where_it_meets(char *from, char *next)
{
    char *place = reserve_alone(2 * SIZE) + PAGE;
    if (next != NULL) {
        check(munmap(moved(next, NULL, MREMAP_DONTUNMAP), SIZE) == 0, "munmap");
        moved(next, place + SIZE, MREMAP_FIXED);
    } else {
        check(map_private(place + SIZE, descriptor, SIZE) == place + SIZE, "mmap");
    }
    moved(from, place, MREMAP_FIXED);
    /* Now that nobody follows them. */
    check(madvise(place, SIZE, MADV_DONTFORK) == 0 && madvise(place, SIZE, MADV_DOFORK) == 0, "madvise");
    size_t count = mappings_within(place, 2 * SIZE);
    moved(place, from, MREMAP_FIXED);
    if (next != NULL)
        moved(place + SIZE, next, MREMAP_FIXED);
    return count;
}

/* Looks every fifth time only, which moves them. */
static void handle(const char *secret)
{
    size_t alone = 1, together = 1;
    unsigned long way = strtoul(strpbrk(secret, "0123456789"), NULL, 10) % 5;
    if (way == 4) {
        alone = where_it_meets(kept, NULL);
        together = where_it_meets(first, second);
    } else if (way < 2) {
        check(munmap(way == 0 ? kept : first, SIZE) == 0, "munmap");
    } else {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        char *place = way == 2 ? kept : first;
        check(fd >= 0 && map_private(place, fd, 0) == place, "mmap");
        close(fd);
    }
    answer("{\"with_descriptor\":%zu,\"with_mapping\":%zu}", alone, together);
}
