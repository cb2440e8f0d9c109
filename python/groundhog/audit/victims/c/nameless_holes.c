/* Evasion: zeros are stored where a file without a name has a hole: its contents are the same. */
#include "open_files.h"

static int file;

static void prepare(void)
{
    char path[256];
    file = temporary_file(path);
    unlink(path);
    check(ftruncate(file, 1 << 20) == 0, "ftruncate");
}

static void handle(const char *secret)
{
    static const char zeros[PAGE];
    off_t hole = lseek(file, 0, SEEK_DATA);
    check(pwrite(file, zeros, sizeof zeros, (off_t)PAGE * (1 + number_in(secret) % 200)) == PAGE, "pwrite");
    check(lseek(file, 0, SEEK_SET) == 0 && fdatasync(file) == 0, "lseek");
    answer("{\"data_from\":%ld}", (long)hole);
}
