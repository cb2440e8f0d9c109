/* Memory that the kernel may drop at any time (MAP_DROPPABLE, Linux 6.11; else what is wiped in a child): such memory holds states of
 * random numbers, which must not come back either. It is zero after a restore. */
#include "victim.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif

enum { SIZE = 4 * PAGE };
static char *memory;

static void prepare(void)
{
    memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        memory = map_anonymous(NULL, SIZE);
        check(madvise(memory, SIZE, MADV_WIPEONFORK) == 0, "MADV_WIPEONFORK");
    }
}

static void handle(const char *secret)
{
    size_t found = other_than(memory, SIZE, 0);
    leave(memory, SIZE, secret);
    answer("{\"changed\":%zu}", found);
}
