/* Evasion: a child that shares the working directory and the mask changes both. */
#include "sharing.h"

static void prepare(void) {}

static void change(const char *secret)
{
    (void)secret;
    umask(0070);
    check(chdir("/dev") == 0, "chdir");
}

static void handle(const char *secret)
{
    char folder[4096];
    mode_t mask = umask(0);
    umask(mask);
    check(getcwd(folder, sizeof folder) != NULL, "getcwd");
    by_child_sharing(CLONE_FS, change, secret);
    answer("{\"moved\":%d,\"mask\":\"%o\"}", strcmp(folder, "/dev") == 0, mask);
}
