/* Guard pages (Linux 6.13), which no mapping shows: installed over a page of the snapshot, removed from where the
 * snapshot has one, or installed in memory of the request alone. In shared memory (Linux 6.15) two of them, in its middle
 * and at its end, look like its end. */
#include "case.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

enum { SIZE = 8 * PAGE };
static char *memory;

static void prepare(void)
{
    if (is("shared")) {
        memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        memset(memory, 'u', SIZE);
        if (madvise(memory + 4 * PAGE, PAGE, MADV_GUARD_INSTALL) == 0)
            (void)madvise(memory + 7 * PAGE, PAGE, MADV_GUARD_INSTALL);
        return;
    }
    memory = lonely(SIZE);
    memset(memory, 's', SIZE);
    if (is("removed"))
        (void)madvise(memory + 4 * PAGE, PAGE, MADV_GUARD_INSTALL);
}

static void handle(const char *secret)
{
    if (is("shared")) {
        answer("%s", memory[5 * PAGE] == 'u' ? "untouched" : memory + 5 * PAGE);
        strcpy(memory + 5 * PAGE, secret);
        return;
    }
    char *where = is("elsewhere") ? lonely(SIZE) : memory;
    bool done = madvise(where + 4 * PAGE, PAGE, is("removed") ? MADV_GUARD_REMOVE : MADV_GUARD_INSTALL) == 0;
    answer("%s", done ? "done" : "absent");
}
