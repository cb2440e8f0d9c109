/* Evasion: a lock on memory moved to another mapping of the snapshot: as much is locked as before. */
#include "mappings.h"

enum { SIZE = 4 * PAGE };
static char *first, *second;

static void prepare(void)
{
    first = map_alone(SIZE, PROT_READ | PROT_WRITE);
    second = map_alone(SIZE, PROT_READ | PROT_WRITE);
    check(mlock(first, SIZE) == 0, "mlock");
}

static void handle(const char *secret)
{
    bool found[] = {has_flag(first, "lo"), has_flag(second, "lo")};
    (void)secret;
    check(munlock(first, SIZE) == 0 && mlock(second, SIZE) == 0, "mlock");
    answer("{\"first\":%d,\"second\":%d}", found[0], found[1]);
}
