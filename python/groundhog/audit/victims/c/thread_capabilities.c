/* Evasion: a thread that is not the first changes what its privileges become (secure bits, kept and ambient capabilities), or gives
 * some up. Only a privileged process has any. */
#include "of_thread.h"
#include <linux/capability.h>
#include <linux/securebits.h>

static void describe(char *text, size_t size)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {0};
    check(syscall(SYS_capget, &header, sets) == 0, "capget");
    snprintf(text, size, "bits %d, kept %d, ambient %d, inheritable %d",
             !!(prctl(PR_GET_SECUREBITS) & SECBIT_NO_SETUID_FIXUP), prctl(PR_GET_KEEPCAPS),
             prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_SYS_TIME, 0, 0) == 1,
             sets[0].inheritable >> CAP_SYS_TIME & 1);
}

static void change(const char *secret)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {0};
    (void)secret;
    prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP);
    prctl(PR_SET_KEEPCAPS, 1);
    check(syscall(SYS_capget, &header, sets) == 0, "capget");
    sets[0].inheritable |= sets[0].permitted & 1u << CAP_SYS_TIME;
    if (syscall(SYS_capset, &header, sets) == 0)
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_TIME, 0, 0);
}
