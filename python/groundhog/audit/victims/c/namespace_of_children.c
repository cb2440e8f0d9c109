/* Evasion: the process stays where it is, its children would be in another namespace of times (as those of process ids). */
#include "victim.h"

static char first[64];

static void ask(char name[64])
{
    ssize_t length = readlink("/proc/self/ns/time_for_children", name, 63);
    check(length > 0 || errno == ENOENT, "readlink");
    name[length > 0 ? length : 0] = '\0';
}

static void prepare(void)
{
    ask(first);
}

static void handle(const char *secret)
{
    enum { NEW_TIME = 0x80 };
    char now[64];
    (void)secret;
    ask(now);
    /* Without privileges, from a user namespace of its own. */
    if (syscall(SYS_unshare, NEW_TIME) != 0)
        syscall(SYS_unshare, NEW_TIME | CLONE_NEWUSER);
    answer("{\"other\":%d}", strcmp(now, first) != 0);
}
