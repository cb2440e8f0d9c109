/* Evasion: a memfd is sealed through another opening of it. */
#include "open_files.h"

static int file;

static void prepare(void)
{
    file = memfd_create("sealed later", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    check(file >= 0, "memfd_create");
}

static void handle(const char *secret)
{
    static const int kinds[] = {F_SEAL_GROW, F_SEAL_SHRINK, F_SEAL_WRITE};
    int seals = fcntl(file, F_GET_SEALS), again = reopen(file, O_RDWR);
    if (again >= 0) {
        (void)!fcntl(again, F_ADD_SEALS, kinds[number_in(secret) % 3]);
        close(again);
    }
    answer("{\"seals\":%d}", seals);
}
