/* Two mappings of the snapshot that look alike replaced by one: what they hold may come back, where one ends is gone. */
#include "mappings.h"

enum { SIZE = 3 * PAGE };
static char *memory;

static void prepare(void)
{
    memory = map_alone(SIZE, PROT_READ | PROT_WRITE);
    check(mprotect(memory + PAGE, PAGE, PROT_NONE) == 0, "mprotect");
    memset(memory, 's', PAGE);
    memset(memory + 2 * PAGE, 's', PAGE);
    check(mprotect(memory + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    memset(memory + PAGE, 's', PAGE);
    check(mappings_within(memory, SIZE) == 2, "two mappings");
}

static void handle(const char *secret)
{
    size_t found = mappings_within(memory, SIZE), changed = other_than(memory, SIZE, 's');
    check(mmap(memory, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory, "mmap");
    leave(memory + PAGE, PAGE, secret);
    answer("{\"mappings\":%zu,\"changed\":%zu}", found, changed);
}
