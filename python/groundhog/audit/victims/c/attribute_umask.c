/* The file mode creation mask. */
#include "attributes.h"

static void describe(char *text, size_t size)
{
    mode_t mask = umask(0);
    umask(mask);
    snprintf(text, size, "%o", mask);
}

static void change(const char *secret)
{
    umask((mode_t)secret[0] & 0700);
}
