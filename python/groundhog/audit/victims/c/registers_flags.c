/* Evasion: flags of the processor that programs may set and that neither ptrace(2) nor the return from a signal sets back: the one
 * that tells of CPUID (bit 21) and the one of nested tasks (bit 14). */
#include "victim.h"

#ifndef __x86_64__
#error "the flags of this architecture are not written yet"
#endif

enum { NESTED = 1 << 14, ALIGNMENT = 1 << 18, IDENTIFICATION = 1 << 21 };

static void prepare(void) {}

static unsigned long flags(void)
{
    unsigned long found;
    __asm__ volatile("pushfq\n\tpopq %0" : "=r"(found));
    return found;
}

static void set_flags(unsigned long wanted)
{
    __asm__ volatile("pushq %0\n\tpopfq" : : "r"(wanted) : "cc");
}

static void handle(const char *secret)
{
    unsigned long found = flags();
    (void)secret;
    answer("{\"identification\":%d,\"nested\":%d}", !!(found & IDENTIFICATION), !!(found & NESTED));
    set_flags(flags() | IDENTIFICATION | NESTED);
}
