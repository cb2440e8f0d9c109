/* Evasion: a file that is older than the function is opened for writing. In an overlay, that copies it to where there is little
 * room, whether anything is written or not. */
#include "open_files.h"
#include <sys/statvfs.h>

enum { SMALL = 1 << 30 };

static char path[300];
static fsblkcnt_t room;

/* Room in the folder, if it is a private one; what others write to a disk is no concern of ours. */
static fsblkcnt_t private_room(void)
{
    struct statvfs found;
    check(statvfs(path, &found) == 0, path);
    return found.f_blocks < SMALL / found.f_frsize ? found.f_bavail : 0;
}

static void prepare(void)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/below-large", folder != NULL ? folder : "/tmp");
    room = private_room();
}

static void handle(const char *secret)
{
    char byte = 0;
    bool kept = private_room() == room;
    int file = open(path, O_RDWR | O_CLOEXEC);
    check(file >= 0 && pread(file, &byte, 1, 0) == 1, path);
    /* Without an overlay, this alone shows. */
    check(pwrite(file, secret + strlen(secret) - 1, 1, 0) == 1 && close(file) == 0, "pwrite");
    answer("{\"kept\":%d,\"byte\":%d}", kept, byte);
}
