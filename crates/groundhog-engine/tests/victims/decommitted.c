/* Memory that is reserved, of which a part was written: only that is accounted for, which keeps them apart until a snapshot makes them
 * one. A request makes the part accessible for a while. */
#include "case.h"

enum { SIZE = 4 * PAGE };
static char *memory;

static void prepare(void)
{
    char *reserved = mmap(NULL, SIZE + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(reserved != MAP_FAILED, "mmap");
    memory = reserved + PAGE;
    check(mprotect(memory, SIZE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    memset(memory, 's', SIZE);
    check(mprotect(memory, SIZE, PROT_NONE) == 0, "mprotect");
}

static void handle(const char *secret)
{
    check(mprotect(memory, SIZE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    size_t found = other_than(memory, SIZE, 's');
    leave(memory, SIZE, secret);
    if (is("exchanged"))
        check(mmap(memory, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory, "mmap");
    check(mprotect(memory, SIZE, PROT_NONE) == 0, "mprotect");
    answer("{\"found\":%zu}", found);
}
