/* Puts another file in the place of one of the snapshot, by a rename, and moves a folder away and back. */
#include "files.h"

static void prepare(void)
{
    prepare_files();
}

static void handle(const char *secret)
{
    char seen[8192];
    snprintf(seen, sizeof seen, "%s", all_files());
    put(in_folder("new"), secret);
    check(rename(in_folder("new"), in_folder("kept")) == 0, "rename");
    check(rename(in_folder("inner/second"), in_folder("moved")) == 0, "rename");
    answer("{\"seen\":\"%s\"}", seen);
}
