/* Removes what was there: a file, and a folder with what is in it. */
#include "files.h"

static void prepare(void)
{
    prepare_files();
}

static void handle(const char *secret)
{
    char seen[8192];
    (void)secret;
    snprintf(seen, sizeof seen, "%s", all_files());
    unlink(in_folder("kept"));
    unlink(in_folder("inner/second"));
    rmdir(in_folder("inner"));
    answer("{\"seen\":\"%s\"}", seen);
}
