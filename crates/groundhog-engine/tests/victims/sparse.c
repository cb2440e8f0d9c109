/* A gibibyte of address space with a page here and there. */
#include "case.h"

enum { STEP = 32 << 20 };
static const size_t SIZE = 1 << 30;
static char *memory;

static void prepare(void)
{
    memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    check(memory != MAP_FAILED && madvise(memory, SIZE, MADV_NOHUGEPAGE) == 0, "mmap");
    for (size_t at = 0; at < SIZE; at += STEP)
        memory[at] = 's';
}

static void handle(const char *secret)
{
    size_t changed = 0, resident = 0;
    for (size_t at = 0; at < SIZE; at += STEP)
        changed += memory[at] != 's';
    unsigned char *there = malloc(SIZE / PAGE);
    check(there != NULL && mincore(memory, SIZE, there) == 0, "mincore");
    for (size_t page = 0; page < SIZE / PAGE; page++)
        if (there[page] & 1)
            resident += other_than(memory + page * PAGE, PAGE, 0) > 1;
    free(there);
    for (size_t at = 5 * PAGE; at < SIZE; at += STEP / 2)
        leave(memory + at, PAGE, secret);
    memory[0] = secret[0];
    answer("{\"changed\":%zu,\"leftover_pages\":%zu}", changed, resident);
}
