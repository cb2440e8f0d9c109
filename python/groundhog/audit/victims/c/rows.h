/* What the victims share that try rows of the policy of system calls, one a request: request n tries row n.
 *
 * A victim defines look(), which says in lines all that any of its rows could change, and rows(), which has for each row
 * `if (row("its name")) attempt(its call);`. A call that fails ends nothing: what a jail or a kernel refuses leaves nothing.
 * Once all were tried by the process, a child tries each, then a thread, then a child that borrows the memory of the process.
 * The answer names what differs from the snapshot, so that a first answer is the same with whatever privileges. With the
 * argument "rows" it lists their names instead, each as often as it is tried. */
#ifndef ROWS_H
#define ROWS_H

#include "open_files.h"

#ifndef PLACES
#define PLACES BY_PROCESS, BY_CHILD, BY_THREAD, BY_BORROWER
#endif

enum { LOOKED = 1 << 18, NO_ROW = -1 };
enum { BY_PROCESS, BY_CHILD, BY_THREAD, BY_BORROWER };

static void set_up(void); /* what is there before the snapshot */
static void look(void);
static void rows(void);

static char before[LOOKED], now[LOOKED], *saying = before;
static size_t said;
static int wanted = NO_ROW, counted, place, number;
static bool is_listed;
static const int places[] = {PLACES};

/* Whether this is the row to try. */
static bool row(const char *name)
{
    for (size_t at = 0; is_listed && at < sizeof places / sizeof places[0]; at++)
        puts(name);
    return counted++ == wanted;
}

/* What comes of a call does not matter. */
__attribute__((unused)) static void attempt(long result)
{
    (void)result;
}

/* Says something about the state. */
__attribute__((format(printf, 1, 2), unused)) static void say(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int length = vsnprintf(saying + said, LOOKED - said, format, values);
    va_end(values);
    check(length >= 0 && said + (size_t)length < LOOKED, "too much to say");
    said += (size_t)length;
}

/* Says which bytes these are. */
__attribute__((unused)) static void say_bytes(const void *bytes, size_t length)
{
    for (size_t at = 0; at < length; at++)
        say("%02x", ((const unsigned char *)bytes)[at]);
}

/* Says the lines of a file that begin with one of these words, which a blank ends; all without any. */
__attribute__((unused)) static void say_lines(const char *path, const char *words)
{
    char line[4096], name[64], spaced[66];
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        snprintf(spaced, sizeof spaced, " %s ", sscanf(line, "%63s", name) == 1 ? name : "");
        if (words == NULL || strstr(words, spaced) != NULL)
            say("%s: %s", path, line);
    }
    if (file != NULL)
        fclose(file);
}

static void describe_now(char *text)
{
    saying = text;
    said = 0;
    text[0] = '\0';
    look();
}

/* The lines that differ, shortened, without what JSON would have to escape. */
static const char *differences(void)
{
    static char text[600];
    size_t used = 0;
    const char *old = before, *new = now;
    text[0] = '\0';
    while ((*old != '\0' || *new != '\0') && used < sizeof text - 200) {
        size_t old_length = strcspn(old, "\n"), new_length = strcspn(new, "\n");
        if (old_length != new_length || memcmp(old, new, old_length) != 0)
            used += (size_t)snprintf(text + used, sizeof text - used, "%.*s, now %.*s; ", (int)(old_length > 80 ? 80 : old_length),
                                     old, (int)(new_length > 80 ? 80 : new_length), new);
        old += old_length + (old[old_length] != '\0');
        new += new_length + (new[new_length] != '\0');
    }
    for (char *at = text; *at != '\0'; at++)
        if (*at < ' ' || *at == '"' || *at == '\\')
            *at = ' ';
    return text;
}

static void try_row(void)
{
    counted = 0;
    rows();
}

static void *try_in_thread(void *unused)
{
    try_row();
    return unused;
}

static void prepare(void)
{
    is_listed = command_words[0] != NULL && strcmp(command_words[0], "rows") == 0;
    if (!is_listed)
        set_up();
    try_row(); /* counts them */
    if (is_listed) {
        fflush(stdout);
        _exit(0);
    }
    describe_now(before);
}

static void handle(const char *secret)
{
    pthread_t thread;
    describe_now(now);
    number = number_in(secret);
    place = places[(size_t)(number / counted) % (sizeof places / sizeof places[0])];
    wanted = number % counted;
    if (place == BY_PROCESS) {
        try_row();
    } else if (place == BY_CHILD) {
        pid_t child = fork();
        if (child == 0) {
            try_row();
            _exit(0);
        }
        waitpid(child, NULL, 0);
    } else if (place == BY_BORROWER) {
        pid_t child = vfork();
        if (child == 0) {
            try_row();
            _exit(0);
        }
        waitpid(child, NULL, 0);
    } else if (pthread_create(&thread, NULL, try_in_thread, NULL) == 0) {
        pthread_join(thread, NULL);
    }
    answer("{\"differs\":\"%s\"}", differences());
}
#endif
