// A reader that is watched.

#include "walk.h"

walk begin(const uint8_t *bytes, size_t size, const backrun_codec_settings *settings) {
    walk walk = {NULL, bytes, size, settings, 0, BACKRUN_OK, 0};
    backrun_error *error = NULL;
    look_at(
        "backrun_reader_new", backrun_reader_new((backrun_bytes){bytes, size}, settings, &walk.reader, &error), &error);
    PROMISE(walk.reader != NULL, "there is no reader of %zu bytes", size);
    return walk;
}

bool after(walk *walk, const char *function, int32_t status, backrun_error **error) {
    look_at(function, status, error);
    size_t offset = backrun_reader_offset(walk->reader);
    PROMISE(offset <= walk->size, "%s: the reader stands at %zu of %zu bytes", function, offset, walk->size);
    if (walk->failed != BACKRUN_OK) {
        PROMISE(status == walk->failed, "%s gives %d, and the first error was %d", function, status, walk->failed);
        PROMISE(offset == walk->before, "%s moves from %zu to %zu after an error", function, walk->before, offset);
    }
    PROMISE(
        status != BACKRUN_OK || offset >= walk->before, "%s goes back from %zu to %zu", function, walk->before, offset);
    walk->before = offset;
    walk->failed = status;
    return status == BACKRUN_OK;
}

void look_at_view(const walk *walk, const char *function, bool ok, const void *data, size_t size) {
    if (!ok || size == 0) {
        PROMISE(data == NULL && size == 0, "%s gives %zu bytes that are none", function, size);
        return;
    }
    const uint8_t *begin = data;
    PROMISE(begin >= walk->bytes && begin + size <= walk->bytes + walk->size, "%s gives %zu bytes of somebody else",
        function, size);
}
