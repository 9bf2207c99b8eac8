/* A command of the shell that gets some bytes and gives some back. */
#ifndef ACURAST_TOOLS_JOB_H
#define ACURAST_TOOLS_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct job_output {
    uint8_t *bytes; /* the caller's, to be freed */
    size_t size;
    int status; /* 0 to 255: the command's own; 128 and more: it was ended by signal status - 128; -1: it could not be run */
    bool large; /* it wrote more than it may, and was ended */
} job_output;

/*
 * Runs `command` by /bin/sh with `variables` (NAME=VALUE, ended by NULL) added to the environment, writes `input` to its standard input,
 * and reads at most `most` bytes of its standard output. Waits until it has ended. Any thread.
 */
job_output job_run(const char *command, const char *const *variables, const void *input, size_t input_size, size_t most);

/* Ends all commands that run, and those that are still to be started. */
void job_end_all(void);

#endif
