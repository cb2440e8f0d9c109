/* Where the names of files begin (chroot); only a privileged process may change it. */
#include "attributes.h"

static void describe(char *text, size_t size)
{
    snprintf(text, size, "has programs %d", access("/bin/sh", F_OK) == 0);
}

static void change(const char *secret)
{
    (void)secret;
    const char *folder = getenv("TMPDIR");
    check(chroot(folder != NULL ? folder : "/tmp") == 0 || errno == EPERM || errno == ENOENT, "chroot");
}
