/* As whom the process opens files (setfsuid, setfsgid); only a privileged one may change. */
#include "attributes.h"
#include <sys/fsuid.h>

static void describe(char *text, size_t size)
{
    snprintf(text, size, "user %d, group %d", setfsuid((uid_t)-1) == 12345, setfsgid((gid_t)-1) == 12345);
}

static void change(const char *secret)
{
    (void)secret;
    (void)setfsgid(12345);
    (void)setfsuid(12345);
}
