/* Evasion: a mapping is split until the kernel allows no more mappings; they stay apart although they look alike, since each was
 * written while its neighbours were kept from children. */
#include "mappings.h"

enum { PAGES = 66000, WANTED = 32 };
static char *memory;

static void prepare(void)
{
    memory = map_alone((size_t)PAGES * PAGE, PROT_READ | PROT_WRITE);
}

/* How many mappings there is room for. */
static int room(void)
{
    char *place = (char *)0x250000000000;
    int count = 0;
    for (; count < WANTED; count++)
        if (mmap(place + (size_t)count * 2 * PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
            MAP_FAILED)
            break;
    for (int at = 0; at < count; at++)
        munmap(place + (size_t)at * 2 * PAGE, PAGE);
    return count;
}

static void handle(const char *secret)
{
    enum { AT_ONCE = 1000 };
    (void)secret;
    int found = room();
    for (size_t page = 0; page < PAGES; page += 2)
        if (madvise(memory + page * PAGE, PAGE, MADV_DONTFORK) != 0)
            break;
    for (size_t page = 0; page < PAGES; page++) {
        memory[page * PAGE] = 1;
        /* A boundary stays without the pages beside it. */
        if (page % AT_ONCE == AT_ONCE - 1)
            check(madvise(memory + (page + 1 - AT_ONCE) * PAGE, AT_ONCE * PAGE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
    }
    madvise(memory, (size_t)PAGES * PAGE, MADV_DOFORK);
    answer("{\"room\":%d}", found);
}
