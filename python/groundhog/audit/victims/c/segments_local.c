/* An entry in the process's own table of segments (modify_ldt), which any instruction that loads a segment can tell. */
#include "attributes.h"
#include <asm/ldt.h>

static void describe(char *text, size_t size)
{
    unsigned long selector = 3 << 3 | 7, limit = 0;
    bool there;
    __asm__("lsl %[selector], %[limit]" : [limit] "+r"(limit), "=@ccz"(there) : [selector] "r"(selector));
    snprintf(text, size, "there %d, limit %lu", there, limit);
}

static void change(const char *secret)
{
    struct user_desc entry = {.entry_number = 3, .limit = (unsigned)atoi(secret + 1) + 1, .seg_32bit = 1, .useable = 1};
    syscall(SYS_modify_ldt, 1, &entry, sizeof entry);
}
