/* Evasion: room that is reserved behind the end of files (FALLOC_FL_KEEP_SIZE): one with a name, one without, and a memfd.
 * Sizes and contents are the same. */
#include "open_files.h"

enum { FILES = 3, ROOM = 1 << 20 };

static int files[FILES];

static void prepare(void)
{
    char path[256];
    files[0] = temporary_file(path);
    files[1] = temporary_file(path);
    unlink(path);
    files[2] = memfd_create("reserved", MFD_CLOEXEC);
    check(files[2] >= 0, "memfd_create");
}

static void handle(const char *secret)
{
    bool reserved[FILES];
    for (int at = 0; at < FILES; at++) {
        struct stat found;
        check(fstat(files[at], &found) == 0, "fstat");
        reserved[at] = found.st_blocks > 8;
        if (at == number_in(secret) % FILES)
            (void)!fallocate(files[at], FALLOC_FL_KEEP_SIZE, 0, ROOM);
    }
    answer("{\"reserved\":\"%d%d%d\"}", reserved[0], reserved[1], reserved[2]);
}
