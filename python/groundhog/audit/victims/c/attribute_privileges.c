/* no_new_privs and a seccomp filter: neither can be taken back. */
#include "attributes.h"
#include <linux/filter.h>
#include <linux/seccomp.h>

static void describe(char *text, size_t size)
{
    snprintf(text, size, "no_new_privs %d, filters %s", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
             status_field("Seccomp_filters"));
}

static void change(const char *secret)
{
    (void)secret;
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {1, &allow};
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "prctl");
    check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");
}
