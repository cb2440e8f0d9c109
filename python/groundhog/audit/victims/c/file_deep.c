/* Nests folders deeper than anybody should look for them. */
#include "files.h"

static void prepare(void)
{
    prepare_files();
}

static void handle(const char *secret)
{
    enum { DEPTH = 200 };
    char seen[8192];
    snprintf(seen, sizeof seen, "%s", all_files());
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check(at >= 0, "open");
    for (int i = 0; i < DEPTH; i++) {
        mkdirat(at, "n", 0700);
        int inner = openat(at, "n", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        check(inner >= 0, "openat");
        close(at);
        at = inner;
    }
    mkdirat(at, secret, 0700);
    close(at);
    answer("{\"seen\":\"%s\"}", seen[0] ? (strstr(seen, "n 40") ? "deep" : "none") : "");
}
