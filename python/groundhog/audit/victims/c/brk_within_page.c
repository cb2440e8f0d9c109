/* The program break moved by less than a page: no mapping changes. */
#include "victim.h"

static char *base;

static void prepare(void)
{
    /* Own the top of the heap: no malloc happens after this. */
    char *end = sbrk(0);
    base = (char *)(((uintptr_t)end + PAGE - 1) & ~(uintptr_t)(PAGE - 1)) + 64;
    check(brk(base) == 0, "brk");
}

static void handle(const char *secret)
{
    long found = (char *)sbrk(0) - base;
    check(brk(base + 1 + secret[7]) == 0, "brk");
    answer("{\"moved\":%ld}", found);
}
