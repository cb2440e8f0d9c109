/* Leaves new files: in a new folder, in one that was there, a symbolic and a hard link, a pipe. */
#include "files.h"

static void prepare(void)
{
    prepare_files();
}

static void handle(const char *secret)
{
    char seen[8192];
    snprintf(seen, sizeof seen, "%s", all_files());
    mkdir(in_folder("new"), 0700);
    put(in_folder("new/file"), secret);
    put(in_folder("inner/third"), secret);
    check(symlink(secret, in_folder("symbolic")) == 0 || errno == EEXIST, "symlink");
    check(link(in_folder("kept"), in_folder("hard")) == 0 || errno == EEXIST, "link");
    check(mkfifo(in_folder("pipe"), 0600) == 0 || errno == EEXIST, "mkfifo");
    answer("{\"seen\":\"%s\"}", seen);
}
