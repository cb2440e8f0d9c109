/* The size of the process's own table of futexes (PR_FUTEX_HASH, Linux 6.16). */
#include "attributes.h"

enum { PR_FUTEX_HASH_ = 78, SET_SLOTS = 1, GET_SLOTS = 2 };

/* A process with threads gets a table by itself: its size is the kernel's. */
static void describe(char *text, size_t size)
{
    int slots = prctl(PR_FUTEX_HASH_, GET_SLOTS, 0, 0, 0);
    snprintf(text, size, "slots %d", slots < 0 ? 0 : slots);
}

static void change(const char *secret)
{
    prctl(PR_FUTEX_HASH_, SET_SLOTS, 16 << secret[7] % 4, 0, 0);
}
