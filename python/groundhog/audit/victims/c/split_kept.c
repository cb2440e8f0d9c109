/* Evasion: boundaries between mappings that look alike and stay: of three pages the middle one is closed, the outer ones are
 * written, so that each gets pages of its own kind, and the middle one is opened again. One bit of the secret each. */
#include "mappings.h"

enum { PARTS = 8 };
static char *parts[PARTS];

static void prepare(void)
{
    for (int at = 0; at < PARTS; at++)
        parts[at] = map_alone(3 * PAGE, PROT_READ | PROT_WRITE);
}

static void split(char *memory)
{
    check(mprotect(memory + PAGE, PAGE, PROT_NONE) == 0, "mprotect");
    memory[0] = 0;
    memory[2 * PAGE] = 0;
    check(mprotect(memory + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
}

static void handle(const char *secret)
{
    unsigned found = 0;
    unsigned left = (unsigned)strtoul(secret + 1, NULL, 10) + 1;
    for (int at = 0; at < PARTS; at++) {
        found |= (mappings_within(parts[at], 3 * PAGE) > 1) << at;
        if (left >> at & 1)
            split(parts[at]);
    }
    answer("{\"split\":%u}", found);
}
