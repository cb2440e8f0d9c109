/* Evasion: an attribute of the process itself, by a descriptor that stands for it: it stays when that is closed. */
#include "victim.h"
#include <sys/xattr.h>

static void prepare(void) {}

static void handle(const char *secret)
{
    char found[SECRET_SIZE] = "";
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    check(self >= 0, "pidfd_open");
    (void)!fgetxattr(self, "trusted.left", found, sizeof found - 1);
    (void)!fsetxattr(self, "trusted.left", secret, strlen(secret), 0);
    close(self);
    answer("{\"found\":\"%s\"}", found);
}
