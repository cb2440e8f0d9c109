/* More separate runs of written pages than one answer of the kernel's holds: every second page of many. */
#include "case.h"

enum { PAGES = 3 * 2048 + 1 };
static char *memory;

static void prepare(void)
{
    memory = lonely((size_t)PAGES * PAGE);
    check(madvise(memory, (size_t)PAGES * PAGE, MADV_NOHUGEPAGE) == 0, "MADV_NOHUGEPAGE");
    /* Every third page is there, every third shows the page of zeros, every third is not there. */
    for (size_t i = 0; i < PAGES; i++) {
        if (i % 3 == 0)
            memory[i * PAGE + i % PAGE] = 's';
        else if (i % 3 == 1)
            (void)((volatile char *)memory)[i * PAGE];
    }
}

static void handle(const char *secret)
{
    size_t changed = 0;
    for (size_t i = 0; i < PAGES; i += 1 + (i % 3 == 1)) {
        char found = memory[i * PAGE + i % PAGE];
        changed += found != (i % 3 == 0 ? 's' : 0);
    }
    for (size_t i = secret[strlen(secret) - 1] % 2; i < PAGES; i += 2)
        memory[i * PAGE + i % PAGE] = secret[0];
    answer("{\"changed\":%zu}", changed);
}
