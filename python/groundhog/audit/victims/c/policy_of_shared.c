/* Evasion: the policy of shared memory belongs to its file, and may be set by another mapping of it. */
#include "memory_policy.h"

static char *memory;

static void prepare(void)
{
    memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(memory != MAP_FAILED, "mmap");
}

static void handle(const char *secret)
{
    int found = memory_policy(memory);
    (void)secret;
    char *again = mremap(memory, 0, PAGE, MREMAP_MAYMOVE);
    check(again != MAP_FAILED, "mremap");
    syscall(SYS_mbind, again, PAGE, POLICY_PREFERRED, &first_node, 64, 0);
    check(munmap(again, PAGE) == 0, "munmap");
    answer("{\"policy\":%d}", found);
}
