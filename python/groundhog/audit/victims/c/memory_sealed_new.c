/* Memory that a request maps and seals (mseal(2)): nobody can unmap it any more. */
#include "victim.h"

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

enum { SIZE = 4 * PAGE };
static char *const place = (char *)0x240000000000;

static void prepare(void) {}

static void handle(const char *secret)
{
    size_t found = is_mapped(place, SIZE) ? other_than(place, SIZE, 0) : 0;
    char *memory = mmap(place, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (memory == place)
        leave(memory, SIZE, secret);
    syscall(SYS_mseal, place, SIZE, 0);
    answer("{\"found\":%zu}", found);
}
