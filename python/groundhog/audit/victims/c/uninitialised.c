/* Reads memory that it never wrote: fresh mappings and a dirtied stack beyond the snapshot's must be zero again. */
#include "victim.h"

enum { SIZE = 2 << 20 };
static char *first, *arena;

static void prepare(void)
{
    /* Mapped and never touched: the snapshot has no page there. */
    arena = map_anonymous(NULL, SIZE);
    first = map_anonymous(NULL, SIZE);
    first[0] = 's';
}

static void handle(const char *secret)
{
    size_t in_arena = other_than(arena, SIZE, 0), in_first = other_than(first + 1, SIZE - 1, 0);
    for (size_t at = 0; at < SIZE; at += 3 * PAGE)
        leave(arena + at, PAGE, secret);
    leave(first + SIZE - PAGE, PAGE, secret);
    answer("{\"arena\":%zu,\"first\":%zu}", in_arena, in_first);
}
