/* Keeps a secret in an extended attribute of a file of the snapshot. */
#include "files.h"

static void prepare(void)
{
    prepare_files();
}

static void handle(const char *secret)
{
    char seen[8192];
    snprintf(seen, sizeof seen, "%s", all_files());
    int set = setxattr(in_folder("kept"), "user.secret", secret, strlen(secret), 0);
    check(set == 0 || errno == EPERM || errno == EOPNOTSUPP, "setxattr");
    answer("{\"seen\":\"%s\"}", seen);
}
