/* Recursion down to the last megabyte of the stack; the answer says how much of the stack is mapped before it. */
#include "victim.h"

static unsigned calls;

__attribute__((noinline)) static unsigned recurse(unsigned depth, const char *secret)
{
    volatile char frame[2048];
    leave((char *)frame, sizeof frame, secret);
    unsigned below = depth > 0 ? recurse(depth - 1, secret) : 0;
    return below + (unsigned char)frame[0] % 2 + 1;
}

static void prepare(void) {}

static void handle(const char *secret)
{
    char before[64];
    snprintf(before, sizeof before, "%s", status_field("VmStk"));
    unsigned found = calls;
    calls += recurse(3000, secret);
    answer("{\"stack\":\"%s\",\"calls\":%u}", before, found);
}
