/* Evasion: a thread that is not the first gets descriptors of its own, and puts a secret in the place of one of the snapshot. */
#define PREPARES_ITSELF
#include "of_thread.h"

static int kept;

static void prepare(void)
{
    kept = memfd_create("kept", 0);
    check(kept >= 0, "memfd_create");
    start_other();
}

static void describe(char *text, size_t size)
{
    struct stat state;
    check(fstat(kept, &state) == 0, "fstat");
    snprintf(text, size, "size %ld", (long)state.st_size);
}

static void change(const char *secret)
{
    if (unshare(CLONE_FILES) != 0)
        return;
    int file = memfd_create("secret", 0);
    write_all(file, secret, strlen(secret));
    check(dup2(file, kept) == kept && close(file) == 0, "dup2");
}
