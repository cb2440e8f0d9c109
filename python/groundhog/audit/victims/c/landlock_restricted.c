/* The process binds itself by Landlock rules, for ever: it can read no file any more. */
#include "landlock.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    bool found = can_read();
    int rules = rules_without_reading();
    (void)secret;
    if (rules >= 0)
        restrict_by(rules);
    close(rules);
    answer("{\"reads\":%d}", found);
}
