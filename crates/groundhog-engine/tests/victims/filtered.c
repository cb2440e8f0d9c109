/* A seccomp filter of its own, which binds the calls that a supervisor would make inside it too. */
#include "case.h"
#include <linux/filter.h>
#include <linux/seccomp.h>

static void install(int number, unsigned action)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = 4, .filter = program};
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
    check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0, "seccomp");
}

static void prepare(void)
{
    if (is("refuses_brk"))
        install(SYS_brk, SECCOMP_RET_ERRNO | EPERM);
    else if (is("dies_of_brk"))
        install(SYS_brk, SECCOMP_RET_KILL_PROCESS);
    else if (is("refuses_munmap"))
        install(SYS_munmap, SECCOMP_RET_ERRNO | EPERM);
}

static void handle(const char *secret)
{
    if (is("during"))
        install(SYS_brk, SECCOMP_RET_ALLOW);
    char *memory = map_anonymous(NULL, PAGE);
    leave(memory, PAGE, secret);
    answer("mapped");
}
