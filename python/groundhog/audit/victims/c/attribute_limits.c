/* Resource limits: the soft one of open files lowered, of the stack changed. */
#include "attributes.h"

static void describe(char *text, size_t size)
{
    struct rlimit files, stack;
    check(getrlimit(RLIMIT_NOFILE, &files) == 0 && getrlimit(RLIMIT_CORE, &stack) == 0, "getrlimit");
    bool low = files.rlim_cur == 64;
    snprintf(text, size, "%s", low ? "lowered" : "as it was");
}

static void change(const char *secret)
{
    (void)secret;
    struct rlimit files;
    check(getrlimit(RLIMIT_NOFILE, &files) == 0, "getrlimit");
    files.rlim_cur = 64;
    check(setrlimit(RLIMIT_NOFILE, &files) == 0, "setrlimit");
}
