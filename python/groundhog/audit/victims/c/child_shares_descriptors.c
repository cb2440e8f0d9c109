/* Evasion: a child that shares the descriptors puts a secret in the place of one. */
#include "sharing.h"

static int kept;

static void prepare(void)
{
    kept = memfd_create("kept", 0);
    check(kept >= 0, "memfd_create");
}

static void change(const char *secret)
{
    int file = memfd_create("secret", 0);
    write_all(file, secret, strlen(secret));
    check(dup2(file, kept) == kept && close(file) == 0, "dup2");
}

static void handle(const char *secret)
{
    struct stat found;
    check(fstat(kept, &found) == 0, "fstat");
    by_child_sharing(CLONE_FILES, change, secret);
    answer("{\"size\":%ld}", (long)found.st_size);
}
