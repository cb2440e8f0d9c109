/* What lies below the stack pointer: calls that returned, and deep recursion that grew the stack. */
#include "victim.h"

enum { NEAR = 64 << 10, DEEP = 5 << 20, FRAME = 16 << 10 };

static char *top;

__attribute__((noinline)) static void mark(void)
{
    char here;
    top = (char *)((uintptr_t)&here & ~(uintptr_t)(PAGE - 1)) - 4 * PAGE;
}

__attribute__((noinline)) static void dive(size_t depth, const char *secret)
{
    volatile char frame[FRAME];
    leave((char *)frame, sizeof frame, secret);
    if (depth > FRAME)
        dive(depth - FRAME, secret);
    __asm__ volatile("" ::"r"(frame) : "memory");
}

static void prepare(void)
{
    mark();
    /* The stack is that large before the snapshot, and clean. */
    memset(top - NEAR, 0, NEAR);
}

static void handle(const char *secret)
{
    size_t near = other_than(top - NEAR, NEAR, 0);
    /* Pages that the kernel added to the stack mapping: all that is resident from here down. */
    size_t resident = 0;
    for (char *page = top - NEAR - PAGE; page > top - DEEP && is_mapped(page, PAGE); page -= PAGE)
        resident += other_than(page, PAGE, 0) != 0;
    dive(DEEP, secret);
    answer("{\"near\":%zu,\"deep_pages\":%zu}", near, resident);
}
