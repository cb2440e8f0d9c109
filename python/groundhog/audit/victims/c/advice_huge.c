/* Advice about huge pages, which stays with a mapping: it can be turned into its contrary, but not taken back. */
#include "mappings.h"

static char *with, *without;

static void prepare(void)
{
    with = map_alone(2 * PAGE, PROT_READ | PROT_WRITE);
    without = map_alone(2 * PAGE, PROT_READ | PROT_WRITE);
}

static void handle(const char *secret)
{
    bool found[] = {has_flag(with, "hg"), has_flag(without, "nh")};
    (void)secret;
    check(madvise(with, 2 * PAGE, MADV_HUGEPAGE) == 0 || errno == EINVAL, "MADV_HUGEPAGE");
    check(madvise(without, 2 * PAGE, MADV_NOHUGEPAGE) == 0 || errno == EINVAL, "MADV_NOHUGEPAGE");
    answer("{\"huge\":%d,\"never\":%d}", found[0], found[1]);
}
