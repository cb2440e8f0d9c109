/* The break moved within its page, which no file under /proc shows. */
#include "case.h"

static void prepare(void)
{
    check(brk((char *)sbrk(0) + 100) == 0, "brk");
}

static void handle(const char *secret)
{
    char *end = sbrk(0);
    check(brk(end + 1 + secret[strlen(secret) - 1] % 7) == 0, "brk");
    answer("{\"in_page\":%zu}", (size_t)((uintptr_t)end % PAGE));
}
