/* The name of the thread, which holds fifteen bytes of secret. */
#include "attributes.h"

static void describe(char *text, size_t size)
{
    char name[16] = "";
    check(prctl(PR_GET_NAME, name) == 0, "prctl");
    snprintf(text, size, "%.15s", name[0] == 'Q' ? "a secret" : name);
}

static void change(const char *secret)
{
    check(prctl(PR_SET_NAME, secret) == 0, "prctl");
}
