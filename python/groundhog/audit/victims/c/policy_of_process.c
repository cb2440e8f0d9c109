/* From which node of memory the pages of the process come (set_mempolicy). */
#include "memory_policy.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    int found = memory_policy(NULL);
    (void)secret;
    syscall(SYS_set_mempolicy, POLICY_PREFERRED, &first_node, 64);
    answer("{\"policy\":%d}", found);
}
