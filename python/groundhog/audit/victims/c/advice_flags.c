/* Advice that stays with a mapping and can be taken back: how it is read, whether it is in core dumps, in children, wiped in
 * them, and whether equal pages of it are merged. */
#include "mappings.h"

enum { KINDS = 6 };
static const struct {
    int advice;
    const char *flag;
} kinds[KINDS] = {{MADV_SEQUENTIAL, "sr"}, {MADV_RANDOM, "rr"},     {MADV_DONTDUMP, "dd"},
                  {MADV_DONTFORK, "dc"},   {MADV_WIPEONFORK, "wf"}, {MADV_MERGEABLE, "mg"}};
static char *memory[KINDS];

static void prepare(void)
{
    for (int at = 0; at < KINDS; at++) {
        memory[at] = map_alone(2 * PAGE, PROT_READ | PROT_WRITE);
        memset(memory[at], 's', 2 * PAGE);
    }
}

static void handle(const char *secret)
{
    unsigned found = 0;
    size_t changed = 0;
    (void)secret;
    for (int at = 0; at < KINDS; at++) {
        found |= (unsigned)has_flag(memory[at], kinds[at].flag) << at;
        changed += other_than(memory[at], 2 * PAGE, 's');
        /* A kernel without the last one refuses it. */
        check(madvise(memory[at], 2 * PAGE, kinds[at].advice) == 0 || errno == EINVAL, "madvise");
    }
    answer("{\"flags\":%u,\"changed\":%zu}", found, changed);
}
