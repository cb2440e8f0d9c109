/* What privileges the process has and gives on: bounding and ambient sets, one given up, and a secure bit that needs none of them
 * (Linux 6.14). */
#include "attributes.h"
#include <linux/capability.h>

enum { SECBIT_EXEC_RESTRICT_FILE_ = 1 << 8 };

static void describe(char *text, size_t size)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {0};
    check(syscall(SYS_capget, &header, sets) == 0, "capget");
    snprintf(text, size, "bits %x, bounding %d, ambient %d, permitted %d",
             (unsigned)prctl(PR_GET_SECUREBITS), prctl(PR_CAPBSET_READ, CAP_SYS_BOOT),
             prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_SYS_TIME, 0, 0) == 1,
             sets[0].permitted >> CAP_SYS_BOOT & 1);
}

static void change(const char *secret)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {0};
    (void)secret;
    prctl(PR_SET_SECUREBITS, prctl(PR_GET_SECUREBITS) | SECBIT_EXEC_RESTRICT_FILE_);
    prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT);
    check(syscall(SYS_capget, &header, sets) == 0, "capget");
    sets[0].permitted &= ~(1u << CAP_SYS_BOOT);
    sets[0].effective &= ~(1u << CAP_SYS_BOOT);
    sets[0].inheritable |= sets[0].permitted & 1u << CAP_SYS_TIME;
    if (syscall(SYS_capset, &header, sets) == 0)
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_TIME, 0, 0);
}
