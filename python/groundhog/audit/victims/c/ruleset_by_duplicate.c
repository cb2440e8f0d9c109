/* Evasion: a rule is added to a Landlock ruleset of the snapshot by a duplicate. */
#define BY_DUPLICATE
#include "ruleset_rules.c"
