/* The process enters a user namespace of its own, where it has every privilege, and another one of names by them. */
#include "victim.h"

static char user[64], names[64];

static void name_of(const char *kind, char name[64])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
    ssize_t length = readlink(path, name, 63);
    check(length > 0, path);
    name[length] = '\0';
}

static void prepare(void)
{
    name_of("user", user);
    name_of("uts", names);
}

static void handle(const char *secret)
{
    char in_user[64], in_names[64];
    (void)secret;
    name_of("user", in_user);
    name_of("uts", in_names);
    if (unshare(CLONE_NEWUSER) == 0)
        check(unshare(CLONE_NEWUTS) == 0, "unshare");
    answer("{\"user\":%d,\"names\":%d}", strcmp(in_user, user) != 0, strcmp(in_names, names) != 0);
}
