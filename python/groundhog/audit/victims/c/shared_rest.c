/* Evasion: of shared memory only a part is mapped. A request maps all of it. */
#include "victim.h"

static char *part;

static void prepare(void)
{
    part = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(part != MAP_FAILED && munmap(part + PAGE, PAGE) == 0, "mmap");
}

static void handle(const char *secret)
{
    char *whole = mremap(part, 0, 2 * PAGE, MREMAP_MAYMOVE);
    check(whole != MAP_FAILED, "mremap");
    size_t changed = other_than(whole + PAGE, PAGE, 0);
    leave(whole + PAGE, PAGE, secret);
    answer("{\"changed\":%zu}", changed);
}
