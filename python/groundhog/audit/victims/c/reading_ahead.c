/* Evasion: how the kernel reads ahead in an open file, set by a duplicate of its descriptor. Nothing tells of it but how much
 * of the file is in memory after a page of it was read. */
#include "victim.h"

enum { SIZE = 1 << 20 };

static int file;

static void prepare(void)
{
    static char bytes[SIZE];
    char path[256];
    int written = temporary_file(path);
    write_all(written, bytes, sizeof bytes);
    check(fsync(written) == 0, "fsync");
    file = open(path, O_RDONLY | O_CLOEXEC);
    check(file >= 0, path);
    close(written);
}

static int pages_in_memory(void)
{
    unsigned char resident[SIZE / PAGE];
    int pages = 0;
    char *mapped = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, file, 0);
    check(mapped != MAP_FAILED, "mmap");
    check(mincore(mapped, SIZE, resident) == 0, "mincore");
    for (int i = 0; i < SIZE / PAGE; i++)
        pages += resident[i] & 1;
    munmap(mapped, SIZE);
    return pages;
}

static void handle(const char *secret)
{
    char page[PAGE];
    (void)secret;
    check(posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0, "posix_fadvise");
    check(pread(file, page, PAGE, 0) == PAGE, "pread");
    bool ahead = pages_in_memory() > 1;
    int duplicate = dup(file);
    check(duplicate >= 0 && posix_fadvise(duplicate, 0, 0, POSIX_FADV_RANDOM) == 0, "posix_fadvise");
    close(duplicate);
    answer("{\"reads ahead\":%d}", ahead);
}
