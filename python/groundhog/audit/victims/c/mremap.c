/* mremap(2): snapshot memory moved away, moved and brought back (tracking is lost, maps look the same), grown, shrunk,
 * and swapped with another mapping. */
#include "victim.h"

enum { SIZE = 8 * PAGE };
static char *moved, *returned, *grown, *shrunk, *first, *second;
static char *const elsewhere = (char *)0x220000000000, *const lonely = (char *)0x230000000000;

static char *filled(char *hint)
{
    check(mmap(NULL, PAGE, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED, "guard");
    char *memory = map_anonymous(hint, SIZE);
    memset(memory, 's', SIZE);
    return memory;
}

static void prepare(void)
{
    moved = filled(NULL);
    returned = filled(NULL);
    grown = filled(lonely);
    shrunk = filled(NULL);
    first = filled(NULL);
    second = filled(NULL);
}

static char *move(char *from, char *to)
{
    char *at = mremap(from, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    check(at == to, "mremap");
    return at;
}

static size_t look(const char *memory, size_t length)
{
    return is_mapped(memory, length) ? other_than(memory, length, 's') : length + 1;
}

static void handle(const char *secret)
{
    size_t changed[] = {look(moved, SIZE), look(returned, SIZE), look(grown, SIZE),
                        look(shrunk, SIZE), look(first, SIZE), look(second, SIZE)};
    bool away = is_mapped(elsewhere, SIZE), longer = is_mapped(grown, SIZE + PAGE);
    if (is_mapped(moved, SIZE)) {
        move(moved, elsewhere);
        leave(elsewhere, SIZE, secret);
    }
    move(returned, elsewhere + 4 * SIZE);
    leave(elsewhere + 4 * SIZE + PAGE, PAGE, secret);
    move(elsewhere + 4 * SIZE, returned);
    if (!longer) {
        check(mremap(grown, SIZE, SIZE + 4 * PAGE, 0) == grown, "grow in place");
        leave(grown + SIZE - PAGE, 2 * PAGE, secret);
    }
    if (is_mapped(shrunk, SIZE))
        check(mremap(shrunk, SIZE, SIZE / 2, 0) == shrunk, "shrink");
    memset(first, '1', SIZE);
    move(first, elsewhere + 8 * SIZE);
    move(second, first);
    move(elsewhere + 8 * SIZE, second);
    answer("{\"changed\":[%zu,%zu,%zu,%zu,%zu,%zu],\"away\":%d,\"longer\":%d}", changed[0], changed[1], changed[2],
           changed[3], changed[4], changed[5], away, longer);
}
