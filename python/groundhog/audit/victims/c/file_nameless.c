/* Writes as many bytes as there were into a memory file and a temporary file without a name, open since the snapshot. */
#include "victim.h"

static int files[2];
static const char original[] = "originally";

static void prepare(void)
{
    char path[256];
    files[0] = memfd_create("victim", MFD_CLOEXEC);
    check(files[0] >= 0, "memfd_create");
    files[1] = temporary_file(path);
    check(unlink(path) == 0, "unlink");
    for (int i = 0; i < 2; i++)
        write_all(files[i], original, sizeof original);
}

static void handle(const char *secret)
{
    char found[2][64] = {"", ""};
    struct stat states[2];
    for (int i = 0; i < 2; i++) {
        check(pread(files[i], found[i], sizeof found[i] - 1, 0) >= 0, "pread");
        check(fstat(files[i], &states[i]) == 0, "fstat");
    }
    bool same = strcmp(found[0], original) == 0 && strcmp(found[1], original) == 0;
    off_t size = states[0].st_size + states[1].st_size;
    check(pwrite(files[0], secret, 8, 0) == 8 && pwrite(files[1], secret, 8, 0) == 8, "pwrite");
    if (secret[7] % 2)
        check(pwrite(files[1], secret, 8, 100) == 8, "pwrite");
    answer("{\"same\":%d,\"size\":%ld}", same, (long)size);
}
