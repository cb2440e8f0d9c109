/* Protections changed by pkey_mprotect(2) without a key, which is mprotect(2) by another number. */
#include "victim.h"

enum { SIZE = 8 * PAGE };
static char *opened, *closed;

static void prepare(void)
{
    opened = map_anonymous(NULL, 2 * SIZE);
    closed = opened + SIZE;
    memset(opened, 's', 2 * SIZE);
    check(mprotect(opened, SIZE, PROT_READ) == 0, "mprotect");
}

static void set(char *memory, int protection)
{
    if (syscall(SYS_pkey_mprotect, memory, SIZE, protection, -1) != 0)
        check(mprotect(memory, SIZE, protection) == 0, "mprotect");
}

static void handle(const char *secret)
{
    char found[2][5];
    memcpy(found[0], permissions(opened), 5);
    memcpy(found[1], permissions(closed), 5);
    set(closed, PROT_READ | PROT_WRITE);
    size_t changed = other_than(opened, 2 * SIZE, 's');
    set(opened, PROT_READ | PROT_WRITE);
    leave(opened, 2 * SIZE, secret);
    set(closed, PROT_NONE);
    answer("{\"opened\":\"%s\",\"closed\":\"%s\",\"changed\":%zu}", found[0], found[1], changed);
}
