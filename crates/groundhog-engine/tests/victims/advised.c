/* Advice on memory that a request maps for itself, as Node gives for each large object. */
#include "case.h"
#include <sys/mman.h>

enum { LARGE = 4096 * PAGE };
static char *memory;

static void prepare(void)
{
    memory = lonely(LARGE);
    memset(memory, 's', LARGE);
}

static void handle(const char *secret)
{
    size_t spoiled = other_than(memory, LARGE, 's');
    char *own = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(own != MAP_FAILED && madvise(own, 4 * PAGE, MADV_DONTFORK) == 0, "MADV_DONTFORK");
    leave(own, 4 * PAGE, secret);
    leave(memory, PAGE, secret);
    answer("{\"spoiled\":%zu}", spoiled);
}
