/* The GS base, which no register set of 32 bits shows. */
#include "attributes.h"
#include <asm/prctl.h>

static void describe(char *text, size_t size)
{
    unsigned long base = 0;
    check(syscall(SYS_arch_prctl, ARCH_GET_GS, &base) == 0, "arch_prctl");
    snprintf(text, size, "%lx", base);
}

static void change(const char *secret)
{
    static char page[PAGE];
    leave(page, sizeof page, secret);
    check(syscall(SYS_arch_prctl, ARCH_SET_GS, (unsigned long)secret[0]) == 0, "arch_prctl");
}
