/* Evasion: shared memory that may only be read for now is mapped anew, in its place, by way of a descriptor that cannot write.
 * In the list of mappings it looks the same, but nobody can make it writable any more. One bit of the secret each. */
#include "victim.h"

enum { PARTS = 8 };
static char *memory;
static int writable, readable;

static void prepare(void)
{
    char name[64];
    writable = memfd_create("shared", MFD_CLOEXEC);
    check(writable >= 0 && ftruncate(writable, PARTS * PAGE) == 0, "memfd_create");
    snprintf(name, sizeof name, "/proc/self/fd/%d", writable);
    readable = open(name, O_RDONLY | O_CLOEXEC);
    memory = mmap(NULL, PARTS * PAGE, PROT_READ, MAP_SHARED, writable, 0);
    check(readable >= 0 && memory != MAP_FAILED, "mmap");
}

static void handle(const char *secret)
{
    unsigned unwritable = 0;
    for (int at = 0; at < PARTS; at++) {
        char *part = memory + at * PAGE;
        if (mprotect(part, PAGE, PROT_READ | PROT_WRITE) != 0)
            unwritable |= 1U << at;
        else
            check(mprotect(part, PAGE, PROT_READ) == 0, "mprotect");
    }
    for (int at = 0; at < PARTS; at++)
        if (at == 0 || (secret[0] >> at & 1) != 0)
            check(mmap(memory + at * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, readable, at * PAGE) != MAP_FAILED, "mmap");
    answer("{\"unwritable\":%u}", unwritable);
}
