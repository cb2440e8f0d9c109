/* More shared memory than can be compared at every restore. */
#include "case.h"

static void prepare(void)
{
    char *memory = mmap(NULL, 65 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(memory != MAP_FAILED, "mmap");
}

static void handle(const char *secret)
{
    answer("%s", secret);
}
