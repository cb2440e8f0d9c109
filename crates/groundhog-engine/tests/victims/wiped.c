/* Memory whose owner hangs the reseeding of random numbers on its loss: MAP_DROPPABLE, MADV_WIPEONFORK. The second
 * argument says whether requests write it, write it and have it swapped out (where there is room for that), or only read
 * it, as one that finds its generator seeded. */
#include "case.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif

enum { SIZE = 2 * PAGE };
static char *state;

static void prepare(void)
{
    if (is("droppable"))
        state = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0);
    else {
        state = lonely(SIZE);
        check(madvise(state, SIZE, MADV_WIPEONFORK) == 0, "MADV_WIPEONFORK");
    }
    if (state == MAP_FAILED)
        check(errno == EINVAL || errno == EOPNOTSUPP, "MAP_DROPPABLE");
    else
        memset(state, 's', SIZE);
}

static void handle(const char *secret)
{
    if (state == MAP_FAILED) {
        answer("absent");
        return;
    }
    bool kept = other_than(state, SIZE, 's') == 0, zeroed = other_than(state, SIZE, 0) == 0;
    if (strcmp(arguments[2], "read") != 0)
        leave(state, SIZE, secret);
    if (strcmp(arguments[2], "swapped") == 0)
        check(madvise(state, SIZE, MADV_PAGEOUT) == 0 || errno == EINVAL, "MADV_PAGEOUT");
    answer("%s", kept ? "kept" : zeroed ? "zeroed" : "mixed");
}
