/* Evasion: pages moved away from a mapping that stays (MREMAP_DONTUNMAP), empty, under the same address; one of two is moved
 * back over it. */
#include "victim.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

enum { SIZE = 8 * PAGE };
static char *emptied, *returned;

static void prepare(void)
{
    emptied = map_anonymous(NULL, 4 * SIZE);
    returned = emptied + 2 * SIZE;
    check(mprotect(emptied + SIZE, SIZE, PROT_NONE) == 0 && mprotect(returned + SIZE, SIZE, PROT_NONE) == 0, "guards");
    memset(emptied, 's', SIZE);
    memset(returned, 's', SIZE);
}

static char *away(char *memory)
{
    char *at = mremap(memory, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    check(at != MAP_FAILED, "MREMAP_DONTUNMAP");
    return at;
}

static void handle(const char *secret)
{
    size_t in_emptied = other_than(emptied, SIZE, 's'), in_returned = other_than(returned, SIZE, 's');
    away(emptied);
    leave(emptied + PAGE, PAGE, secret);
    char *elsewhere = away(returned);
    leave(elsewhere + 2 * PAGE, PAGE, secret);
    check(mremap(elsewhere, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, returned) == returned, "mremap back");
    answer("{\"emptied\":%zu,\"returned\":%zu}", in_emptied, in_returned);
}
