/* From which node of memory the pages of a mapping come (mbind). */
#include "memory_policy.h"

enum { SIZE = 4 * PAGE };
static char *memory;

static void prepare(void)
{
    memory = map_anonymous(NULL, SIZE);
    memset(memory, 's', SIZE);
}

static void handle(const char *secret)
{
    int found = memory_policy(memory);
    (void)secret;
    syscall(SYS_mbind, memory, SIZE, POLICY_PREFERRED, &first_node, 64, 0);
    answer("{\"policy\":%d}", found);
}
