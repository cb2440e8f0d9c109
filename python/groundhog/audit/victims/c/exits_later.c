/* Ends itself right after its answer, while the restore begins. */
#include "victim.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    (void)secret;
    answer("{\"fine\":true}");
    _exit(0);
}
