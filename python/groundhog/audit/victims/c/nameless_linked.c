/* Evasion: a file that has never had a name gets one. Once that is taken from it, it can get none again. */
#include "open_files.h"

static int file;
static char given[300];

static void prepare(void)
{
    const char *folder = getenv("TMPDIR");
    folder = folder != NULL ? folder : "/tmp";
    file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    check(file >= 0, "O_TMPFILE");
    snprintf(given, sizeof given, "%s/given", folder);
}

static void handle(const char *secret)
{
    char path[64];
    (void)secret;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int linked = linkat(AT_FDCWD, path, AT_FDCWD, given, AT_SYMLINK_FOLLOW);
    answer("{\"linked\":%d}", linked == 0 ? 0 : errno);
}
