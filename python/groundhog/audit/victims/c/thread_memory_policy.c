/* From which node of memory the pages of a thread that is not the first come (set_mempolicy). */
#include "memory_policy.h"
#include "of_thread.h"

static void describe(char *text, size_t size)
{
    snprintf(text, size, "policy %d", memory_policy(NULL));
}

static void change(const char *secret)
{
    (void)secret;
    syscall(SYS_set_mempolicy, POLICY_PREFERRED, &first_node, 64);
}
