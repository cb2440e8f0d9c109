/* Evasion: a descriptor of the snapshot is replaced by another at the same number, by dup2(2). Both are open files with
 * the same name, so that /proc/self/fd looks the same. */
#include "descriptor_kept.h"

static void prepare(void)
{
    keep(memfd_create("state", 0));
}

static void handle(const char *secret)
{
    char found[SECRET_SIZE] = "";
    check(pread(KEPT, found, sizeof found - 1, 0) >= 0, "pread");
    size_t bytes = strlen(found);
    int other = memfd_create("state", 0);
    write_all(other, secret, strlen(secret));
    check(lseek(other, 0, SEEK_SET) == 0, "lseek");
    keep(other);
    answer("{\"bytes\":%zu}", bytes);
}
