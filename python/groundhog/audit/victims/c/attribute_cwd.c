/* The working directory. */
#include "attributes.h"

static void describe(char *text, size_t size)
{
    check(getcwd(text, size) != NULL, "getcwd");
    snprintf(text, size, "%s", strcmp(text, "/proc") == 0 ? "moved" : "where it was");
}

static void change(const char *secret)
{
    (void)secret;
    check(chdir("/proc") == 0, "chdir");
}
