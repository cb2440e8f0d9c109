/* A mapping that grows by itself as stacks do (MAP_GROWSDOWN): no call tells of it. */
#include "mappings.h"

enum { SIZE = 4 * PAGE, ROOM = 2 << 20 };
static char *stack;

static void prepare(void)
{
    char *room = mmap(NULL, ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(room != MAP_FAILED && munmap(room, ROOM) == 0, "room");
    stack = mmap(room + ROOM - SIZE, SIZE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE, -1, 0);
    check(stack == room + ROOM - SIZE, "mmap");
    memset(stack, 's', SIZE);
}

static void handle(const char *secret)
{
    size_t pages = 0, changed = other_than(stack, SIZE, 's');
    while (is_mapped(stack - (pages + 1) * PAGE, PAGE))
        pages++;
    size_t wanted = 1 + (size_t)secret[7] % 8;
    for (size_t at = 1; at <= wanted; at++)
        leave(stack - at * PAGE, PAGE, secret);
    answer("{\"grown\":%zu,\"changed\":%zu}", pages, changed);
}
