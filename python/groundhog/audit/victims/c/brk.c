/* The program break itself: moved up with a secret above it, or down below where it was. */
#include "victim.h"

enum { ABOVE = 8 * PAGE, BELOW = 4 * PAGE };

static char *base;
static int requests;

static void prepare(void)
{
    /* Own the top of the heap: no malloc happens after this. */
    base = sbrk(ABOVE);
    check(base != (char *)-1, "sbrk");
    memset(base, 'b', ABOVE);
}

static void handle(const char *secret)
{
    char *end = sbrk(0);
    long moved = end - (base + ABOVE);
    size_t intact = moved >= 0 ? other_than(base, ABOVE, 'b') : other_than(base, (size_t)(ABOVE + moved), 'b');
    size_t above = moved > 0 ? other_than(base + ABOVE, (size_t)moved, 0) : 0;
    /* The secret's last digit decides, so that a run of requests does all of it. */
    switch (secret[strlen(secret) - 1] % 3) {
    case 0:
        check(brk(base + ABOVE - BELOW) == 0, "brk down");
        break;
    case 1:
        check(brk(base + 2 * ABOVE) == 0, "brk up");
        leave(base, 2 * ABOVE, secret);
        break;
    default: /* down, and up again over fresh zero pages */
        check(brk(base + ABOVE - BELOW) == 0 && brk(base + ABOVE) == 0, "brk down and up");
        leave(base + ABOVE - PAGE, PAGE, secret);
    }
    answer("{\"moved\":%ld,\"changed\":%zu,\"above\":%zu,\"requests\":%d}", moved, intact, above, requests++);
}
