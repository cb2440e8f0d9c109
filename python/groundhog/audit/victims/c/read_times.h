/* What the victims share that read one of two files: it is then the one that was read later. */
#include "open_files.h"

enum { MILLISECOND = 1000000, PAUSE = 100 * MILLISECOND };

static int files[2];

static void fill(int file)
{
    check(write(file, "x", 1) == 1, "write");
}

static int64_t read_at(int file)
{
    struct stat found;
    check(fstat(file, &found) == 0, "fstat");
    return (int64_t)found.st_atim.tv_sec * 1000 * MILLISECOND + found.st_atim.tv_nsec;
}

static void handle(const char *secret)
{
    char byte;
    struct timespec pause = {.tv_nsec = PAUSE};
    (void)secret;
    bool later = read_at(files[0]) > read_at(files[1]) + PAUSE / 2;
    nanosleep(&pause, NULL); /* whoever takes a snapshot may have read both just now */
    (void)!pwrite(files[0], "x", 1, 0); /* the time of a reading counts if it is the first one since a writing */
    check(pread(files[0], &byte, 1, 0) == 1, "pread");
    answer("{\"later\":%d}", later);
}
