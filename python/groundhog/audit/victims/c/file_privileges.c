/* Evasion: the permission to become a file's owner, or one of its group, which the kernel takes away when the file is written by one
 * without privileges. The files are open since before the snapshot: one with a name, one without, one in memory. */
#include "victim.h"
#include <linux/capability.h>

enum { FILES = 3, MODE = S_ISUID | S_ISGID | 0755 };
static int kept[FILES];

static void prepare(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {0};
    char path[256];
    for (int at = 0; at < FILES; at++) {
        kept[at] = at == 0 ? memfd_create("privileges", MFD_CLOEXEC) : temporary_file(path);
        check(kept[at] >= 0, "a file");
        /* By Landlock permissions stay what they were. */
        if (fchmod(kept[at], MODE) != 0)
            check(errno == EPERM, "fchmod");
    }
    check(unlink(path) == 0, "unlink");
    check(syscall(SYS_capget, &header, sets) == 0, "capget");
    sets[0].effective &= ~(1u << CAP_FSETID);
    check(syscall(SYS_capset, &header, sets) == 0, "capset");
}

static void handle(const char *secret)
{
    unsigned seen[FILES];
    for (int at = 0; at < FILES; at++) {
        struct stat now;
        check(fstat(kept[at], &now) == 0, "fstat");
        seen[at] = now.st_mode & 07777;
        check(pwrite(kept[at], secret, 1, 0) == 1, "pwrite");
    }
    answer("{\"memory\":\"%o\",\"named\":\"%o\",\"nameless\":\"%o\"}", seen[0], seen[1], seen[2]);
}
