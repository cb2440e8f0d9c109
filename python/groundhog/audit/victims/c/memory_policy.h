/* From which nodes of memory pages come: numbers of linux/mempolicy.h, whose functions libnuma has. */
#include "victim.h"

enum { POLICY_PREFERRED = 1, POLICY_OF_ADDRESS = 2 };
static const unsigned long first_node = 1;

/* Of an address, or of the calling thread; the default, where nobody may ask. */
static int memory_policy(const void *address)
{
    int policy = 0;
    if (syscall(SYS_get_mempolicy, &policy, NULL, 0, address, address == NULL ? 0 : POLICY_OF_ADDRESS) != 0)
        check(errno == EPERM || errno == ENOSYS, "get_mempolicy");
    return policy;
}
