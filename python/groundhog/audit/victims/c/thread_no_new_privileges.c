/* Evasion: a thread that is not the first gives up new privileges and gets a seccomp filter, neither of which can be taken back. */
#include "of_thread.h"
#include <linux/filter.h>
#include <linux/seccomp.h>

/* How many filters bind the calling thread. */
static int filters(void)
{
    char line[256], path[64];
    int count = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/status", thread_id());
    FILE *status = fopen(path, "re");
    check(status != NULL, path);
    while (fgets(line, sizeof line, status) != NULL)
        sscanf(line, "Seccomp_filters: %d", &count);
    fclose(status);
    return count;
}

static void describe(char *text, size_t size)
{
    snprintf(text, size, "given up %d, filters %d", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), filters());
}

static void change(const char *secret)
{
    (void)secret;
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {1, &allow};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
