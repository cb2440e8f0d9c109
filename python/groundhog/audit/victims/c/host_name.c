/* The name of the machine, in a namespace of the process's own. */
#include "attributes.h"

static void describe(char *text, size_t size)
{
    char name[65] = "";
    check(gethostname(name, sizeof name - 1) == 0, "gethostname");
    snprintf(text, size, "secret %d", strncmp(name, "victim-", 7) == 0);
}

static bool is_own;

/* Never that of the machine. */
__attribute__((constructor)) static void leave_the_machine(void)
{
    is_own = unshare(CLONE_NEWUTS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWUTS) == 0;
}

static void change(const char *secret)
{
    char name[65];
    int length = snprintf(name, sizeof name, "victim-%s", secret);
    if (is_own)
        check(sethostname(name, (size_t)length) == 0 || errno == EPERM, "sethostname");
}
