/* A child writes the file, and is gone before the answer. */
#include "files.h"

static void prepare(void)
{
    prepare_files();
}

static void handle(const char *secret)
{
    char seen[8192];
    snprintf(seen, sizeof seen, "%s", all_files());
    pid_t child = fork();
    check(child >= 0, "fork");
    if (child == 0) {
        put(in_folder("by-child"), secret);
        put(in_folder("kept"), secret);
        _exit(0);
    }
    check(waitpid(child, NULL, 0) == child, "waitpid");
    answer("{\"seen\":\"%s\"}", seen);
}
