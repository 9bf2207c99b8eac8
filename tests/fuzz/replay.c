/*
 * Feeds every file of the folders named as arguments to a fuzz target, so that corpora are ordinary tests and no
 * libFuzzer is needed. A folder that is missing or empty is a failure: a test that reads nothing proves nothing.
 */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    long size = -1;
    int failed = 1;

    if (!file)
        return 1;
    if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 && fseek(file, 0, SEEK_SET) == 0)
        data = malloc((size_t)size + !size);
    /* The exact size, so that a sanitizer sees a read past the end. */
    if (data && fread(data, 1, (size_t)size, file) == (size_t)size)
        failed = LLVMFuzzerTestOneInput(data, (size_t)size) != 0;
    free(data);
    (void)fclose(file);
    return failed;
}

static int replay_folder(const char *folder, size_t *count)
{
    DIR *entries = opendir(folder);
    struct dirent *entry;
    char path[4096];
    int failed = 0;

    if (!entries)
        return 1;
    while ((entry = readdir(entries))) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        ++*count;
        if (replay_file(path) != 0) {
            (void)fprintf(stderr, "failed: %s\n", path);
            failed = 1;
        }
    }
    (void)closedir(entries);
    return failed;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    int failed = 0;

    for (int i = 1; i < argc; i++)
        failed |= replay_folder(argv[i], &count);
    printf("%zu inputs\n", count);
    return failed || count == 0;
}
