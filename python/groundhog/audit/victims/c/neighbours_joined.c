/* Evasion: whether the kernel joins two mappings of the snapshot, next to each other, once they are made alike. It does not where
 * each was written while they could not be joined, where one was moved away, written, and moved back, and where one was
 * replaced by another and then written. No page is left of any of it. One bit of the secret each. */
#include "mappings.h"

enum { PARTS = 8, WAYS = 3 };
static char *parts[PARTS][WAYS];

static void prepare(void)
{
    for (int at = 0; at < PARTS; at++)
        for (int way = 0; way < WAYS; way++) {
            parts[at][way] = map_alone(2 * PAGE, PROT_READ | PROT_WRITE);
            check(mprotect(parts[at][way] + PAGE, PAGE, PROT_READ) == 0, "mprotect");
        }
}

/* How many mappings two neighbours are once they are alike. */
static size_t once_alike(char *memory)
{
    check(mprotect(memory + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    size_t count = mappings_within(memory, 2 * PAGE);
    check(mprotect(memory + PAGE, PAGE, PROT_READ) == 0, "mprotect");
    return count;
}

static void write_apart(char *memory)
{
    check(madvise(memory, PAGE, MADV_DONTFORK) == 0, "madvise");
    check(mprotect(memory + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    memory[0] = memory[PAGE] = 1;
    check(mprotect(memory + PAGE, PAGE, PROT_READ) == 0 && madvise(memory, PAGE, MADV_DOFORK) == 0, "mprotect");
}

static void write_moved(char *memory)
{
    char *away = mremap(memory, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, reserve_alone(PAGE) + PAGE);
    check(away != MAP_FAILED, "mremap");
    away[0] = 1;
    check(mremap(away, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, memory) == memory, "mremap");
}

static void write_replaced(char *memory)
{
    check(mmap(memory, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory, "mmap");
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
        }
    answer("{\"written\":%zu,\"moved\":%zu,\"replaced\":%zu}", found[0], found[1], found[2]);
}
