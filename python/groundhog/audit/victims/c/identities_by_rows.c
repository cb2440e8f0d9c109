/* Every call that makes the process another user or group, or one of fewer rights, by the process, children and a thread. The
 * calls themselves: the C library would tell all threads. */
#include "rows.h"
#include <linux/capability.h>

enum { OTHER = 12345 };

static void set_up(void) {}

static void look(void)
{
    say_lines("/proc/self/status", " Uid: Gid: Groups: CapInh: CapPrm: CapEff: CapBnd: CapAmb: NoNewPrivs: ");
    say("session %d, group %d, secure %d, keeps %d, dumpable %d\n", getsid(0) == getpid(), getpgrp() == getpid(),
        prctl(PR_GET_SECUREBITS), prctl(PR_GET_KEEPCAPS), prctl(PR_GET_DUMPABLE));
}

static void rows(void)
{
    const gid_t groups[] = {OTHER, OTHER + 1};
    if (row("setgroups"))
        attempt(syscall(SYS_setgroups, 2, groups));
    if (row("setfsgid"))
        attempt(syscall(SYS_setfsgid, OTHER));
    if (row("setgid"))
        attempt(syscall(SYS_setgid, OTHER));
    if (row("setregid"))
        attempt(syscall(SYS_setregid, OTHER, OTHER));
    if (row("setresgid"))
        attempt(syscall(SYS_setresgid, OTHER, OTHER, -1));
    if (row("setfsuid"))
        attempt(syscall(SYS_setfsuid, OTHER));
    if (row("setresuid"))
        attempt(syscall(SYS_setresuid, OTHER, -1, -1));
    if (row("setreuid"))
        attempt(syscall(SYS_setreuid, OTHER, -1));
    if (row("setsid"))
        attempt(syscall(SYS_setsid));
    if (row("setpgid"))
        attempt(syscall(SYS_setpgid, 0, 0));
    if (row("PR_CAP_AMBIENT"))
        attempt(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    if (row("PR_CAPBSET_DROP"))
        attempt(prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT));
    if (row("PR_SET_SECUREBITS"))
        attempt(prctl(PR_SET_SECUREBITS, 1 << 2));
    if (row("capset")) {
        struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
        struct __user_cap_data_struct data[2];
        if (syscall(SYS_capget, &header, data) == 0) {
            data[0].effective &= ~(1U << CAP_SYS_CHROOT);
            attempt(syscall(SYS_capset, &header, data));
        }
    }
    /* The last: who has become somebody else can do none of the others. */
    if (row("setuid"))
        attempt(syscall(SYS_setuid, OTHER));
}
