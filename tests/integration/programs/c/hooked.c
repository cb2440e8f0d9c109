#include "groundhog.h"

static char order[256];
static const char *flag;

static int note(void *name)
{
    strcat(strcat(order, *order ? " " : ""), (const char *)name);
    return 0;
}

static int check(void *name)
{
    note(name);
    return access(flag, F_OK) == 0;
}

static const char *beside(const char *end)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s%s", flag, end);
    return path;
}

static int record(void *context)
{
    FILE *log = fopen(beside(".log"), "a");
    (void)context;
    return log == NULL || fprintf(log, "%s\n", order) < 0 || fclose(log) != 0;
}

static int fail(void *context)
{
    (void)context;
    return access(beside(".fails"), F_OK) == 0 ? 7 : 0;
}

static int refuse(void *context)
{
    (void)context;
    return 5;
}

static int answer(const char *request, FILE *out, void *context)
{
    (void)context;
    if (strstr(request, "fail")) {
        fputs("said \"no\"\n", out);
        return 1;
    }
    printf("out of %zu", strlen(request));
    fputs("err", stderr);
    fprintf(out, "{\"order\":\"%s\",\n\"pid\":%d}", order, (int)getpid());
    return 0;
}

int main(int count, char **arguments)
{
    static struct groundhog server;
    flag = arguments[1];
    if (count > 2)
        groundhog_before_snapshot(&server, refuse, NULL);
    groundhog_before_snapshot(&server, note, (void *)"before-1");
    groundhog_before_snapshot(&server, note, (void *)"before-2");
    if (access(beside(".log"), F_OK) == 0) {
        groundhog_before_restore(&server, record, NULL);
        groundhog_before_restore(&server, fail, NULL);
        groundhog_before_restore(&server, note, (void *)"finish");
    }
    groundhog_after_restore(&server, note, (void *)"after-1");
    groundhog_after_restore(&server, check, (void *)"after-2");
    return groundhog_serve(&server, answer, NULL);
}
