/* Advice that makes one huge page of many (MADV_COLLAPSE), of which one was written before and one is after. */
#include "mappings.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

enum { HUGE = 2 << 20 };
static char *area;

static void prepare(void)
{
    char *memory = map_alone(2 * HUGE, PROT_READ | PROT_WRITE);
    area = (char *)(((uintptr_t)memory + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
    memset(area, 's', HUGE / 2);
}

static void handle(const char *secret)
{
    size_t found = other_than(area, HUGE / 2, 's') + other_than(area + HUGE / 2, HUGE / 2, 0);
    bool huge = strtoul(mapping_field(area, "AnonHugePages"), NULL, 10) != 0;
    leave(area + 3 * PAGE, PAGE, secret);
    /* Refused, or no huge page to be had: what was written counts. */
    madvise(area, HUGE, MADV_COLLAPSE);
    leave(area + HUGE - PAGE, PAGE, secret);
    answer("{\"changed\":%zu,\"huge\":%d}", found, huge);
}
