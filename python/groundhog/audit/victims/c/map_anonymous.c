/* Mappings added during a request, each with a secret: beside others, alone at a fixed place, a huge sparse one. */
#include "victim.h"

enum { SMALL = 8 * PAGE };
static const size_t sparse_size = 1UL << 30, stride = 64UL << 20;
static char *const alone = (char *)0x200000000000, *const sparse = (char *)0x210000000000;
static char *beside;

static void prepare(void)
{
    /* A neighbour with the same permissions: the kernel merges what is mapped next to it. */
    beside = map_anonymous(NULL, 2 * SMALL);
    check(munmap(beside, SMALL) == 0, "munmap");
}

static size_t look(const char *address, size_t length)
{
    return is_mapped(address, length) ? other_than(address, length, 0) + 1 : 0;
}

static void handle(const char *secret)
{
    size_t in_alone = look(alone, SMALL), in_beside = look(beside, SMALL), in_sparse = 0;
    for (size_t at = 0; at < sparse_size; at += stride)
        in_sparse += look(sparse + at, PAGE);
    leave(map_anonymous(alone, SMALL), SMALL, secret);
    if (!is_mapped(beside, SMALL))
        check(map_anonymous(beside, SMALL) == beside, "mapped beside");
    leave(beside, SMALL, secret);
    if (!is_mapped(sparse, PAGE))
        check(mmap(sparse, sparse_size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) == sparse,
              "sparse");
    for (size_t at = 0; at < sparse_size; at += stride)
        leave(sparse + at, PAGE, secret);
    answer("{\"alone\":%zu,\"beside\":%zu,\"sparse\":%zu}", in_alone, in_beside, in_sparse);
}
