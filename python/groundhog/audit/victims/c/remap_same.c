/* Evasion: snapshot memory is replaced by a new mapping at the same address that looks the same in maps, so that
 * dirty tracking of the old one says nothing. Whole, in part, with other content, and as the kernel's zero page. */
#include "victim.h"

enum { SIZE = 16 * PAGE };
static char *whole, *part, *zeroed;

static void prepare(void)
{
    whole = map_anonymous(NULL, SIZE);
    check(mprotect(map_anonymous(NULL, PAGE), PAGE, PROT_NONE) == 0, "guard");
    part = map_anonymous(NULL, SIZE);
    check(mprotect(map_anonymous(NULL, PAGE), PAGE, PROT_NONE) == 0, "guard");
    zeroed = map_anonymous(NULL, SIZE);
    memset(whole, 's', SIZE);
    memset(part, 's', SIZE);
    memset(zeroed, 's', SIZE);
}

static void replace(char *memory, size_t length)
{
    check(munmap(memory, length) == 0, "munmap");
    check(mmap(memory, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
              memory,
          "mmap at the same address");
}

static void handle(const char *secret)
{
    size_t in_whole = other_than(whole, SIZE, 's'), in_part = other_than(part, SIZE, 's');
    size_t in_zeroed = other_than(zeroed, SIZE, 's');
    replace(whole, SIZE);
    leave(whole + 3 * PAGE, PAGE, secret);
    replace(part + 4 * PAGE, 4 * PAGE);
    leave(part + 5 * PAGE, PAGE, secret);
    replace(zeroed, SIZE);
    (void)other_than(zeroed, SIZE, 0); /* read faults only */
    answer("{\"whole\":%zu,\"part\":%zu,\"zeroed\":%zu}", in_whole, in_part, in_zeroed);
}
