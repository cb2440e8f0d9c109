/* Evasion: memory replaced by the same without a reservation (MAP_NORESERVE), which one flag shows. */
#include "mappings.h"

enum { SIZE = 4 * PAGE };
static char *memory;

static void prepare(void)
{
    memory = map_alone(SIZE, PROT_READ | PROT_WRITE);
}

static void handle(const char *secret)
{
    bool found = has_flag(memory, "nr");
    size_t changed = other_than(memory, SIZE, 0);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    check(mmap(memory, SIZE, PROT_READ | PROT_WRITE, flags, -1, 0) == memory, "mmap");
    leave(memory + PAGE, PAGE, secret);
    answer("{\"unreserved\":%d,\"changed\":%zu}", found, changed);
}
