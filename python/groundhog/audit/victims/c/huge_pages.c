/* Transparent huge pages: one byte of one written, all of one written, one given back, one made during the request. */
#include "victim.h"

static const size_t huge = 2UL << 20;
static char *byte_written, *all_written, *dropped, *late;

static char *aligned(void)
{
    char *memory = map_anonymous(NULL, 2 * huge);
    char *start = (char *)(((uintptr_t)memory + huge - 1) & ~(huge - 1));
    madvise(start, huge, MADV_HUGEPAGE); /* a kernel without them is as good */
    return start;
}

static void prepare(void)
{
    byte_written = aligned();
    all_written = aligned();
    dropped = aligned();
    late = aligned();
    memset(byte_written, 's', huge);
    memset(all_written, 's', huge);
    memset(dropped, 's', huge);
}

static void handle(const char *secret)
{
    size_t found[] = {other_than(byte_written, huge, 's'), other_than(all_written, huge, 's'),
                      other_than(dropped, huge, 's'), other_than(late, huge, 0)};
    byte_written[huge / 2] = secret[0];
    leave(all_written, huge, secret);
    check(madvise(dropped, huge, MADV_DONTNEED) == 0, "MADV_DONTNEED");
    dropped[5 * PAGE] = secret[0];
    late[7 * PAGE] = secret[0];
    answer("{\"byte\":%zu,\"all\":%zu,\"dropped\":%zu,\"late\":%zu}", found[0], found[1], found[2], found[3]);
}
