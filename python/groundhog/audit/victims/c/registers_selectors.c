/* Selectors of segments that mean nothing to a program of 64 bits, and that it may load all the same. */
#include "victim.h"

enum { USER_DATA = 0x2b };

static void prepare(void) {}

static void handle(const char *secret)
{
    unsigned data, extra;
    (void)secret;
    __asm__ volatile("mov %%ds, %0\n\tmov %%es, %1" : "=r"(data), "=r"(extra));
    answer("{\"data\":%u,\"extra\":%u}", data & 0xffff, extra & 0xffff);
    __asm__ volatile("mov %0, %%ds\n\tmov %0, %%es" : : "r"(USER_DATA));
}
