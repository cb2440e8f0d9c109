/* Evasion: memory that is wiped in children (MADV_WIPEONFORK) gives way to some that is not, by calls with a bit in the upper half of
 * their number, at which the kernel does not look: mapped over it, or unmapped first. */
#include "wiping.h"

#ifndef __x86_64__
#error "the numbers of calls of this architecture are not written yet"
#endif

enum { WAYS = 2 };
static const long UPPER = 1L << 32;
static char *wiped;

static long wide_call(long number, void *address, long protection, long flags, long fd)
{
    register long fourth __asm__("r10") = flags;
    register long fifth __asm__("r8") = fd;
    register long sixth __asm__("r9") = 0;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number | UPPER), "D"(address), "S"((long)PAGE), "d"(protection), "r"(fourth), "r"(fifth), "r"(sixth)
                     : "rcx", "r11", "memory");
    return result;
}

static void prepare(void)
{
    wiped = map_anonymous(NULL, 3 * PAGE);
    check(munmap(wiped, PAGE) == 0 && munmap(wiped + 2 * PAGE, PAGE) == 0, "munmap");
    wiped += PAGE;
    check(madvise(wiped, PAGE, MADV_WIPEONFORK) == 0, "madvise");
}

static void handle(const char *secret)
{
    int found = left_in_child(wiped);
    /* The secrets that are asked for in turn end otherwise. */
    if (secret[strlen(secret) - 1] % WAYS == 0)
        check(wide_call(SYS_munmap, wiped, 0, 0, 0) == 0, "munmap");
    long mapped = wide_call(SYS_mmap, wiped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1);
    check(mapped == (long)wiped, "mmap");
    answer("{\"left_in_child\":%d}", found);
}
