// Calls a target with every input of a file, one a line in hexadecimal digits, without libFuzzer: `replay reader FILE`.
// Lines that begin with # tell of what follows.

#include "guided.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int digit(int letter) {
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

// The next input, in memory of just its size, so that a sanitizer sees what lies beyond; NULL: there is none.
static uint8_t *next_input(FILE *file, size_t *size) {
    size_t room = 0;
    uint8_t *input = NULL;
    *size = 0;
    int high = getc(file);
    while (high == '#' || high == '\n') {
        while (high != '\n' && high != EOF)
            high = getc(file);
        if (high == '\n')
            high = getc(file);
    }
    if (high == EOF)
        return NULL;
    for (; high != '\n' && high != EOF; high = getc(file)) {
        int low = getc(file);
        if (digit(high) < 0 || digit(low) < 0) {
            fprintf(stderr, "what is no hexadecimal digit: %c%c\n", high, low);
            exit(2);
        }
        if (*size == room) {
            room = 2 * room + 64;
            input = realloc(input, room);
            if (input == NULL)
                exit(2);
        }
        input[(*size)++] = (uint8_t)(digit(high) << 4 | digit(low));
    }
    uint8_t *exact = malloc(*size);
    if (exact == NULL)
        exit(2);
    memcpy(exact, input, *size);
    free(input);
    return exact;
}

int main(int count, char **arguments) {
    static const struct {
        const char *name;
        void (*target)(const uint8_t *data, size_t size);
    } targets[] = {{"reader", guided_reader}, {"payload", guided_payload}};
    if (count != 3) {
        fprintf(stderr, "usage: replay reader|payload FILE\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        if (strcmp(targets[i].name, arguments[1]) != 0)
            continue;
        FILE *file = fopen(arguments[2], "r");
        if (file == NULL) {
            fprintf(stderr, "cannot read %s\n", arguments[2]);
            return 2;
        }
        size_t inputs = 0;
        size_t size = 0;
        for (uint8_t *input = next_input(file, &size); input != NULL; input = next_input(file, &size)) {
            inputs++;
            // Said before, so that it is known where it ends.
            fprintf(stdout, "%zu ", inputs);
            targets[i].target(input, size);
            free(input);
        }
        fclose(file);
        printf("\n%s: %zu inputs\n", arguments[1], inputs);
        return inputs > 0 ? 0 : 1;
    }
    fprintf(stderr, "there is no target %s\n", arguments[1]);
    return 2;
}
