/* What the process registered for membarrier(2), for ever; the kernel tells (Linux 6.3). */
#include "attributes.h"

enum { PRIVATE_EXPEDITED = 1 << 3, REGISTER = 1 << 4, GET_REGISTRATIONS = 1 << 9 };

/* An expedited barrier needs a registration: it tells, where nobody may ask. */
static void describe(char *text, size_t size)
{
    long registered = syscall(SYS_membarrier, GET_REGISTRATIONS, 0, 0);
    snprintf(text, size, "registered %d, barrier %d", registered > 0,
             syscall(SYS_membarrier, PRIVATE_EXPEDITED, 0, 0) == 0);
}

static void change(const char *secret)
{
    (void)secret;
    syscall(SYS_membarrier, REGISTER, 0, 0);
}
