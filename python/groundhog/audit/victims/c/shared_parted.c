/* Evasion: two shared mappings of one open file, which the kernel joins once they are made alike. It does not where one of them was
 * removed, or replaced by what looks the same, and is of another opening of the file. */
#include "mappings.h"

enum { WAYS = 2 };
static char *parts[WAYS];
static char paths[WAYS][256];

static void prepare(void)
{
    for (int way = 0; way < WAYS; way++) {
        int fd = temporary_file(paths[way]);
        check(ftruncate(fd, 2 * PAGE) == 0, "ftruncate");
        char *place = reserve_alone(2 * PAGE) + PAGE;
        parts[way] = mmap(place, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
        check(parts[way] == place && mprotect(place + PAGE, PAGE, PROT_READ) == 0, "mmap");
        close(fd);
    }
}

/* How many mappings two neighbours are once they are alike; none where one is gone. */
static size_t once_alike(char *memory)
{
    if (!is_mapped(memory, 2 * PAGE))
        return 0;
    check(mprotect(memory + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    size_t count = mappings_within(memory, 2 * PAGE);
    check(mprotect(memory + PAGE, PAGE, PROT_READ) == 0, "mprotect");
    return count;
}

static void handle(const char *secret)
{
    size_t removed = once_alike(parts[0]), replaced = once_alike(parts[1]);
    int way = secret[0] & 1;
    if (way == 0) {
        check(munmap(parts[0], PAGE) == 0, "munmap");
    } else {
        int fd = open(paths[1], O_RDWR | O_CLOEXEC);
        check(fd >= 0, "open");
        check(mmap(parts[1], PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == parts[1], "mmap");
        close(fd);
    }
    answer("{\"removed\":%zu,\"replaced\":%zu}", removed, replaced);
}
