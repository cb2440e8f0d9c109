/* A hard limit lowered, which takes a privilege to raise again. */
#include "attributes.h"

static void describe(char *text, size_t size)
{
    struct rlimit files;
    check(getrlimit(RLIMIT_NOFILE, &files) == 0, "getrlimit");
    snprintf(text, size, "%s", files.rlim_max == 64 ? "lowered" : "as it was");
}

static void change(const char *secret)
{
    (void)secret;
    check(setrlimit(RLIMIT_NOFILE, &(struct rlimit){64, 64}) == 0, "setrlimit");
}
