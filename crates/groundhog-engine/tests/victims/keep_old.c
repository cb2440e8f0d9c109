/* mremap that leaves the old mapping behind, empty (MREMAP_DONTUNMAP), of anonymous memory and then read. */
#include "case.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

enum { SIZE = 6 * PAGE };
static char *memory;

static void prepare(void)
{
    memory = lonely(SIZE);
    memset(memory, 's', SIZE);
}

static void handle(const char *secret)
{
    size_t changed = other_than(memory, SIZE, 's');
    /* Not by the C library, which leaves the last argument to chance. */
    char *moved = (char *)syscall(SYS_mremap, memory, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    check(moved != MAP_FAILED, "mremap");
    leave(moved, SIZE, secret);
    if (is("read"))
        (void)other_than(memory, SIZE, 0);
    else if (is("written"))
        leave(memory + PAGE, PAGE, secret);
    answer("{\"changed\":%zu}", changed);
}
