/* How large a folder is that had many names in it: some file systems never make it smaller. */
#include "open_files.h"

enum { NAMES = 200 };

static char folder[256];
static struct stat before;

static void prepare(void)
{
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/grown-XXXXXX", parent != NULL ? parent : "/tmp");
    check(mkdtemp(folder) != NULL && stat(folder, &before) == 0, folder);
}

static void handle(const char *secret)
{
    struct stat found;
    char path[512];
    check(stat(folder, &found) == 0, folder);
    for (int i = 0; i < NAMES; i++) {
        snprintf(path, sizeof path, "%s/%s-%0100d", folder, secret, i);
        int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        check(file >= 0, path);
        close(file);
    }
    answer("{\"size\":%lld,\"blocks\":%lld}", (long long)(found.st_size - before.st_size),
           (long long)(found.st_blocks - before.st_blocks));
}
