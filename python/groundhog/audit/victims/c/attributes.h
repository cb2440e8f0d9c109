/* For victims that change one attribute of the process: each is its own program, so that each is seen alone. */
#include "victim.h"

static void change(const char *secret);
static void describe(char *text, size_t size);

static void prepare(void) {}

static void handle(const char *secret)
{
    char found[300];
    describe(found, sizeof found);
    change(secret);
    answer("{\"found\":\"%s\"}", found);
}
