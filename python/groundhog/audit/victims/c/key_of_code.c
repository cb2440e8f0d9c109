/* Evasion: whether memory was ever mapped that may only be executed. On processors with keys the kernel takes one for it with the first
 * such mapping, for good, and sets the bits of that key in the thread's register, which it leaves alone later. On others a counter
 * stands for that. */
#include "victim.h"
#include <cpuid.h>

#ifndef __x86_64__
#error "the keys of this architecture are not written yet"
#endif

enum { HAS_KEYS = 1 << 4 /* CPUID.(7,0):ECX.OSPKE */ };
static uint32_t others;
static bool has_keys;

static void prepare(void)
{
    uint32_t a, b, c, d;
    has_keys = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & HAS_KEYS) != 0;
}

static uint32_t rights(void)
{
    uint32_t low, high;
    __asm__ volatile("rdpkru" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static void set_rights(uint32_t value)
{
    __asm__ volatile("wrpkru" : : "a"(value), "c"(0), "d"(0) : "memory");
}

static void handle(const char *secret)
{
    (void)secret;
    if (!has_keys) {
        answer("{\"rights\":%u}", others++);
        return;
    }
    char *code = map_anonymous(NULL, PAGE);
    uint32_t before = rights();
    set_rights(before | ~3u); /* nothing is allowed but what has no key */
    bool is_set = mprotect(code, PAGE, PROT_EXEC) == 0;
    uint32_t found = rights();
    set_rights(before);
    check(is_set, "mprotect");
    munmap(code, PAGE);
    answer("{\"rights\":%u}", found);
}
