/* Protections: flipped and flipped back around a write, left changed, and changed in the middle of a mapping. */
#include "victim.h"

enum { SIZE = 12 * PAGE };
static char *flipped, *opened, *closed, *split;

static char *filled(int protection)
{
    check(mmap(NULL, PAGE, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED, "guard");
    char *memory = map_anonymous(NULL, SIZE);
    memset(memory, 's', SIZE);
    check(mprotect(memory, SIZE, protection) == 0, "mprotect");
    return memory;
}

static void prepare(void)
{
    flipped = filled(PROT_READ);
    opened = filled(PROT_READ);
    closed = filled(PROT_READ | PROT_WRITE);
    split = filled(PROT_READ | PROT_WRITE);
}

static void handle(const char *secret)
{
    char found[3][5];
    memcpy(found[0], permissions(opened), 5);
    memcpy(found[1], permissions(closed), 5);
    memcpy(found[2], permissions(split + 5 * PAGE), 5);
    check(mprotect(closed, SIZE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    check(mprotect(split, SIZE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    size_t changed = other_than(flipped, SIZE, 's') + other_than(opened, SIZE, 's') + other_than(closed, SIZE, 's') +
                     other_than(split, SIZE, 's');

    check(mprotect(flipped, SIZE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    leave(flipped, SIZE, secret);
    check(mprotect(flipped, SIZE, PROT_READ) == 0, "mprotect");
    check(mprotect(opened, SIZE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    leave(opened + PAGE, PAGE, secret);
    leave(closed, SIZE, secret);
    check(mprotect(closed, SIZE, PROT_NONE) == 0, "mprotect");
    leave(split + 5 * PAGE, PAGE, secret);
    check(mprotect(split + 5 * PAGE, 2 * PAGE, PROT_READ) == 0, "mprotect");
    check(mprotect(split + 8 * PAGE, PAGE, PROT_NONE) == 0, "mprotect");
    answer("{\"opened\":\"%s\",\"closed\":\"%s\",\"split\":\"%s\",\"changed\":%zu}", found[0], found[1], found[2], changed);
}
