/* Memory of the snapshot sealed against any change of its layout (mseal(2), Linux 6.10), for ever. */
#include "victim.h"

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

enum { SIZE = 4 * PAGE };
static char *memory;

static void prepare(void)
{
    memory = map_anonymous(NULL, SIZE);
    memset(memory, 's', SIZE);
}

static void handle(const char *secret)
{
    size_t changed = other_than(memory, SIZE, 's');
    /* Asks for what it has: a seal refuses even that. */
    bool free = mprotect(memory, SIZE, PROT_READ | PROT_WRITE) == 0;
    leave(memory + PAGE, PAGE, secret);
    syscall(SYS_mseal, memory, SIZE, 0);
    answer("{\"free\":%d,\"changed\":%zu}", free, changed);
}
