/* Evasion: whether the kernel joins two mappings of the snapshot, next to each other, once they are made alike. It does not where
 * each was written while they could not be joined, where one was moved away, written, and moved back, where one was replaced by
 * another and then written, and where one, or the larger part of it, was given advice. No page is left of any of it. One bit of the
 * secret each. */
#include "mappings.h"

enum { PARTS = 8, WAYS = 5, FIRST = 3 * PAGE, BOTH = FIRST + PAGE };
static char *parts[PARTS][WAYS];

static void prepare(void)
{
    for (int at = 0; at < PARTS; at++)
        for (int way = 0; way < WAYS; way++) {
            parts[at][way] = map_alone(BOTH, PROT_READ | PROT_WRITE);
            check(mprotect(parts[at][way] + FIRST, PAGE, PROT_READ) == 0, "mprotect");
        }
}

/* How many mappings two neighbours are once they are alike. */
static size_t once_alike(char *memory)
{
    check(mprotect(memory + FIRST, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    size_t count = mappings_within(memory, BOTH);
    check(mprotect(memory + FIRST, PAGE, PROT_READ) == 0, "mprotect");
    return count;
}

static void write_apart(char *memory)
{
    check(madvise(memory, FIRST, MADV_DONTFORK) == 0, "madvise");
    check(mprotect(memory + FIRST, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    memory[0] = memory[FIRST] = 1;
    check(mprotect(memory + FIRST, PAGE, PROT_READ) == 0 && madvise(memory, FIRST, MADV_DOFORK) == 0, "mprotect");
}

static void write_moved(char *memory)
{
    char *away = mremap(memory, FIRST, FIRST, MREMAP_MAYMOVE | MREMAP_FIXED, reserve_alone(FIRST) + PAGE);
    check(away != MAP_FAILED, "mremap");
    away[0] = 1;
    check(mremap(away, FIRST, FIRST, MREMAP_MAYMOVE | MREMAP_FIXED, memory) == memory, "mremap");
}

static void write_replaced(char *memory)
{
    check(mmap(memory, FIRST, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory, "mmap");
    write_apart(memory);
}

static void handle(const char *secret)
{
    size_t found[WAYS] = {0};
    for (int at = 0; at < PARTS; at++)
        for (int way = 0; way < WAYS; way++)
            found[way] = found[way] << 2 | once_alike(parts[at][way]);
    for (int at = 0; at < PARTS; at++)
        if (at == 0 || (secret[0] >> at & 1) != 0) {
            write_apart(parts[at][0]);
            write_moved(parts[at][1]);
            write_replaced(parts[at][2]);
            check(madvise(parts[at][3], FIRST, MADV_DONTFORK) == 0, "madvise");
            check(madvise(parts[at][4], FIRST - PAGE, MADV_DONTFORK) == 0, "madvise");
        }
    answer("{\"written\":%zu,\"moved\":%zu,\"replaced\":%zu,\"advised\":%zu,\"advised_in_part\":%zu}", found[0],
           found[1], found[2], found[3], found[4]);
}
