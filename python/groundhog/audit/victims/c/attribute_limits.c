/* Resource limits: soft ones lowered, of open files by prlimit(2), which setrlimit(3) calls, of core files by setrlimit(2). */
#include "attributes.h"

static void describe(char *text, size_t size)
{
    struct rlimit files, core;
    check(getrlimit(RLIMIT_NOFILE, &files) == 0 && getrlimit(RLIMIT_CORE, &core) == 0, "getrlimit");
    snprintf(text, size, "%s, %s", files.rlim_cur == 64 ? "lowered" : "as it was", core.rlim_cur == 4321 ? "lowered" : "as it was");
}

static void change(const char *secret)
{
    (void)secret;
    struct rlimit files;
    check(getrlimit(RLIMIT_NOFILE, &files) == 0, "getrlimit");
    files.rlim_cur = 64;
    check(setrlimit(RLIMIT_NOFILE, &files) == 0, "setrlimit");
    struct rlimit core;
    check(getrlimit(RLIMIT_CORE, &core) == 0, "getrlimit");
    core.rlim_cur = core.rlim_max < 4321 ? 0 : 4321;
    check(syscall(SYS_setrlimit, RLIMIT_CORE, &core) == 0, "setrlimit");
}
