/* Pages that nobody had touched made present by advice, for reading and for writing: their bytes tell nothing, mincore(2) does. */
#include "mappings.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

enum { SIZE = 16 * PAGE };
static char *read_only, *writable;

static void prepare(void)
{
    read_only = map_alone(SIZE, PROT_READ | PROT_WRITE);
    writable = map_alone(SIZE, PROT_READ | PROT_WRITE);
}

static void handle(const char *secret)
{
    size_t in_read = resident(read_only, SIZE), in_written = resident(writable, SIZE);
    size_t pages = 1 + (size_t)secret[7] % 8;
    check(madvise(read_only, pages * PAGE, MADV_POPULATE_READ) == 0 || errno == EINVAL, "MADV_POPULATE_READ");
    check(madvise(writable, pages * PAGE, MADV_POPULATE_WRITE) == 0 || errno == EINVAL, "MADV_POPULATE_WRITE");
    answer("{\"read\":%zu,\"written\":%zu}", in_read, in_written);
}
