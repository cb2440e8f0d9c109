/* What these victims add to those that all tests share: variants, chosen by the command line, whose arguments the C
 * library hands to constructors too. */
#ifndef CASE_H
#define CASE_H

#include "victim.h"

static const char *arguments[4] = {"", "", "", ""};

__attribute__((constructor)) static void keep_arguments(int count, char **values)
{
    for (int i = 1; i < count && i < 4; i++)
        arguments[i] = values[i];
}

/* Whether the variant is this one. */
__attribute__((unused)) static bool is(const char *variant)
{
    return strcmp(arguments[1], variant) == 0;
}

/* A mapping that no neighbour can be merged with, now or later: what lies beside it cannot be accessed. */
__attribute__((unused)) static char *lonely(size_t length)
{
    char *memory = map_anonymous(NULL, length + 2 * PAGE);
    char *behind = memory + PAGE + length;
    check(mprotect(memory, PAGE, PROT_NONE) == 0 && mprotect(behind, PAGE, PROT_NONE) == 0, "guards");
    return memory + PAGE;
}

#endif
