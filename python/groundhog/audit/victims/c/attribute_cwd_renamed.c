/* Evasion: the working directory is left, and its name leads to another one by the time it is gone back to. */
#include "victim.h"

static char path[256];
static ino_t home;

static void prepare(void)
{
    struct stat found;
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/home-XXXXXX", folder != NULL ? folder : "/tmp");
    check(mkdtemp(path) != NULL && chdir(path) == 0 && stat(".", &found) == 0, "mkdtemp");
    home = found.st_ino;
}

static void handle(const char *secret)
{
    char elsewhere[400];
    struct stat found;
    check(stat(".", &found) == 0, "stat");
    snprintf(elsewhere, sizeof elsewhere, "%s-%s", path, secret);
    check(rename(path, elsewhere) == 0 && mkdir(path, 0700) == 0 && chdir("/") == 0, "rename");
    answer("{\"at_home\":%d}", found.st_ino == home);
}
