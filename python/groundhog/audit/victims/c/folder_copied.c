/* Evasion: a file is made in a folder that is older than the function, and removed. In an overlay, the folder is another one
 * by then: its size, its links, and the number of files for which there is room tell. */
#include "open_files.h"
#include <sys/statvfs.h>

enum { FEW = 1 << 17 };

static char folder[300];
static struct stat as_it_was;
static fsfilcnt_t room;

/* As for a private folder; on a disk others make files. */
static fsfilcnt_t private_room(void)
{
    struct statvfs found;
    check(statvfs(folder, &found) == 0, folder);
    return found.f_files < FEW ? found.f_ffree : 0;
}

static void prepare(void)
{
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/below-folder/inner", parent != NULL ? parent : "/tmp");
    check(stat(folder, &as_it_was) == 0, folder);
    room = private_room();
}

static void handle(const char *secret)
{
    char path[400];
    struct stat found;
    bool kept = private_room() == room;
    check(stat(folder, &found) == 0, folder);
    bool size = found.st_size == as_it_was.st_size, links = found.st_nlink == as_it_was.st_nlink;
    bool time = found.st_mtim.tv_nsec == as_it_was.st_mtim.tv_nsec;
    snprintf(path, sizeof path, "%s/%s", folder, secret);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    check(file >= 0 && close(file) == 0 && unlink(path) == 0, path);
    answer("{\"kept\":%d,\"size\":%d,\"links\":%d,\"time\":%d}", kept, size, links, time);
}
