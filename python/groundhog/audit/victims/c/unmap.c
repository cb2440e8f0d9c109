/* Snapshot memory that is unmapped: a whole mapping, a hole in the middle of one, the head and the tail of one. */
#include "victim.h"

enum { SIZE = 16 * PAGE };
static char *whole, *holed, *trimmed;

static char *filled(void)
{
    char *memory = map_anonymous(NULL, SIZE + 2 * PAGE);
    /* Guards keep the kernel from merging the neighbours. */
    check(mprotect(memory, PAGE, PROT_NONE) == 0 && mprotect(memory + SIZE + PAGE, PAGE, PROT_NONE) == 0, "guard");
    memset(memory + PAGE, 's', SIZE);
    return memory + PAGE;
}

static void prepare(void)
{
    whole = filled();
    holed = filled();
    trimmed = filled();
}

/* Pages that are gone, and bytes that are not as at the snapshot. */
static void look(const char *memory, size_t *gone, size_t *changed)
{
    for (size_t at = 0; at < SIZE; at += PAGE) {
        if (is_mapped(memory + at, PAGE))
            *changed += other_than(memory + at, PAGE, 's');
        else
            ++*gone;
    }
}

static void handle(const char *secret)
{
    size_t gone = 0, changed = 0;
    look(whole, &gone, &changed);
    look(holed, &gone, &changed);
    look(trimmed, &gone, &changed);
    if (is_mapped(whole, SIZE))
        leave(whole, SIZE, secret);
    munmap(whole, SIZE);
    leave(holed, PAGE, secret);
    munmap(holed + 5 * PAGE, 3 * PAGE);
    munmap(trimmed, 2 * PAGE);
    munmap(trimmed + SIZE - PAGE, PAGE);
    answer("{\"gone\":%zu,\"changed\":%zu}", gone, changed);
}
