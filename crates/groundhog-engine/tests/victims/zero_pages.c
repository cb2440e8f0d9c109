/* Pages of zeros in all their forms (never touched, read, written with zeros), then written, given back, read. */
#include "case.h"

enum { SIZE = 8 * PAGE, FORMS = 3 };
static char *memory[FORMS][4];

static void make(char *at, int form)
{
    if (form == 1)
        (void)other_than(at, SIZE, 0);
    else if (form == 2)
        memset(at, 0, SIZE);
}

static void prepare(void)
{
    for (int form = 0; form < FORMS; form++)
        for (int use = 0; use < 4; use++) {
            memory[form][use] = lonely(SIZE);
            make(memory[form][use], form);
        }
}

static void handle(const char *secret)
{
    size_t changed = 0;
    for (int form = 0; form < FORMS; form++)
        for (int use = 0; use < 4; use++)
            changed += other_than(memory[form][use], SIZE, 0);
    for (int form = 0; form < FORMS; form++) {
        leave(memory[form][0] + PAGE, 2 * PAGE, secret);
        leave(memory[form][1], SIZE, secret);
        check(madvise(memory[form][1], SIZE / 2, MADV_DONTNEED) == 0, "MADV_DONTNEED");
        check(madvise(memory[form][2], SIZE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
        leave(memory[form][2] + 3 * PAGE, PAGE, secret);
        leave(memory[form][3], SIZE, secret);
        check(madvise(memory[form][3], SIZE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
        (void)other_than(memory[form][3], SIZE, 0);
        leave(memory[form][3], 1, secret);
    }
    answer("{\"changed\":%zu}", changed);
}
