/* Takes permissions away, and locks its own user out of a folder with a secret in it. */
#include "files.h"

static void prepare(void)
{
    prepare_files();
}

static void handle(const char *secret)
{
    char seen[8192];
    snprintf(seen, sizeof seen, "%s", all_files());
    mkdir(in_folder("locked"), 0700);
    put(in_folder("locked/file"), secret);
    if (chmod(in_folder("locked"), 0) != 0)
        check(errno == EPERM, "chmod");
    if (chmod(in_folder("kept"), 0600 | (mode_t)(secret[7] - '0')) != 0)
        check(errno == EPERM, "chmod");
    answer("{\"seen\":\"%s\"}", seen);
}
