// A reader that is watched.

#ifndef BACKRUN_GUIDED_WALK_H
#define BACKRUN_GUIDED_WALK_H

#include "guided.h"

// A reader at work, and what is known of it.
typedef struct walk {
    backrun_reader *reader;
    const uint8_t *bytes;
    size_t size;
    const backrun_codec_settings *settings;
    size_t before;  // its offset before the call
    int32_t failed; // the first error
    size_t open;    // arrays, maps and typed values begun
} walk;

walk begin(const uint8_t *bytes, size_t size, const backrun_codec_settings *settings);

// What holds of every call. Whether it went well.
bool after(walk *walk, const char *function, int32_t status, backrun_error **error);

// A view of what is read lies in what is read.
void look_at_view(const walk *walk, const char *function, bool ok, const void *data, size_t size);

// Takes a message part by part and writes it, twice.
void copy_twice(const uint8_t *bytes, size_t size, const backrun_codec_settings *settings, bool go_into_typed);

#endif
