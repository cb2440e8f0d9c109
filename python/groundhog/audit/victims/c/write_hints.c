/* Evasion: how long the data of a file will live, as a hint to the disk that stays in the inode; set through another
 * opening. */
#include "open_files.h"

static int file;

static void prepare(void)
{
    char path[256];
    file = temporary_file(path);
    unlink(path);
}

static void handle(const char *secret)
{
    uint64_t found = 0, hint = 1 + (uint64_t)number_in(secret) % 5;
    check(fcntl(file, F_GET_RW_HINT, &found) == 0, "F_GET_RW_HINT");
    int again = reopen(file, O_RDWR);
    if (again >= 0) {
        (void)!fcntl(again, F_SET_RW_HINT, &hint);
        close(again);
    }
    answer("{\"hint\":%lu}", (unsigned long)found);
}
