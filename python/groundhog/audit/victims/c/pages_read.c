/* Pages that nobody had touched, read: nothing was written, but mincore(2) tells which ones. */
#include "mappings.h"

enum { SIZE = 64 * PAGE };
static char *untouched;

static void prepare(void)
{
    untouched = map_alone(SIZE, PROT_READ | PROT_WRITE);
}

static void handle(const char *secret)
{
    size_t found = resident(untouched, SIZE);
    for (size_t at = 0; secret[at] != '\0'; at++)
        (void)*(volatile char *)(untouched + (size_t)(secret[at] % 64) * PAGE);
    answer("{\"touched\":%zu}", found);
}
