// What a reader gave, part by part, written again.

#include "walk.h"

#include <string.h>

// Writing what is walked over.
typedef struct copy {
    backrun_writer *writer;
    size_t open;
    bool has_typed; // A value with the name of its type was to be gone into.
} copy;

static void written(const char *function, int32_t status, backrun_error **error) {
    look_at(function, status, error);
    PROMISE(status == BACKRUN_OK, "%s does not write what was read: %d", function, status);
}

// One value that holds no others, through a reader of its own.
static void copy_leaf(walk *walk, copy *copy, uint32_t kind) {
    backrun_error *error = NULL;
    backrun_bytes bytes = {NULL, 0};
    if (!after(walk, "backrun_reader_skip", backrun_reader_skip(walk->reader, &bytes, &error), &error))
        return;
    struct walk leaf = begin(bytes.data, bytes.len, walk->settings);
    backrun_writer *writer = copy->writer;
    int64_t number = 0;
    uint64_t large = 0;
    uint32_t nanos = 0;
    int32_t small = 0;
    float narrow = 0;
    double wide = 0;
    backrun_str text = {NULL, 0};
    backrun_bytes body = {NULL, 0};
    int32_t status = BACKRUN_OK;
    bool raw = false;
    switch (kind) {
    case BACKRUN_KIND_NIL:
        status = backrun_reader_nil(leaf.reader, &error);
        break;
    case BACKRUN_KIND_BOOL:
        status = backrun_reader_bool(leaf.reader, &small, &error);
        break;
    case BACKRUN_KIND_INT:
        if (backrun_reader_int(leaf.reader, &number, NULL) != BACKRUN_OK) {
            backrun_reader_free(leaf.reader);
            leaf = begin(bytes.data, bytes.len, walk->settings);
            status = backrun_reader_uint(leaf.reader, &large, &error);
            PROMISE(large > INT64_MAX, "%llu is refused as an int64_t", (unsigned long long)large);
        }
        break;
    case BACKRUN_KIND_FLOAT:
        if (bytes.data[0] == 0xca) {
            status = backrun_reader_f32(leaf.reader, &narrow, &error);
        } else {
            status = backrun_reader_f64(leaf.reader, &wide, &error);
        }
        break;
    case BACKRUN_KIND_STR:
        // What is not UTF-8 is copied as it is.
        raw = backrun_reader_str(leaf.reader, &text, NULL) != BACKRUN_OK;
        break;
    case BACKRUN_KIND_BIN:
        status = backrun_reader_bin(leaf.reader, &body, &error);
        break;
    default:
        status = backrun_reader_peek_ext(leaf.reader, &small, &error);
        look_at("backrun_reader_peek_ext", status, &error);
        // The old specification has no times to write.
        if (small == -1 && walk->settings->flags == 0 &&
            backrun_reader_timestamp(leaf.reader, &number, &nanos, NULL) == BACKRUN_OK && nanos <= 999999999) {
            kind = BACKRUN_KIND_END; // stands for a timestamp
            break;
        }
        backrun_reader_free(leaf.reader);
        leaf = begin(bytes.data, bytes.len, walk->settings);
        status = backrun_reader_ext(leaf.reader, &small, &body, &error);
        break;
    }
    look_at("what takes the value that was peeked", status, &error);
    PROMISE(status == BACKRUN_OK, "a value of the kind %u is not taken as one: %d", kind, status);
    PROMISE(raw || backrun_reader_offset(leaf.reader) == bytes.len,
        "a value of the kind %u has another length when it is skipped", kind);
    backrun_reader_free(leaf.reader);
    if (raw) {
        written("backrun_writer_raw", backrun_writer_raw(writer, bytes, &error), &error);
        return;
    }
    switch (kind) {
    case BACKRUN_KIND_NIL:
        status = backrun_writer_nil(writer, &error);
        break;
    case BACKRUN_KIND_BOOL:
        status = backrun_writer_bool(writer, small, &error);
        break;
    case BACKRUN_KIND_INT:
        status = large > 0 ? backrun_writer_uint(writer, large, &error) : backrun_writer_int(writer, number, &error);
        break;
    case BACKRUN_KIND_FLOAT:
        status = bytes.data[0] == 0xca ? backrun_writer_f32(writer, narrow, &error)
                                       : backrun_writer_f64(writer, wide, &error);
        break;
    case BACKRUN_KIND_STR:
        status = backrun_writer_str(writer, text, &error);
        break;
    case BACKRUN_KIND_BIN:
        status = backrun_writer_bin(writer, body, &error);
        break;
    case BACKRUN_KIND_END:
        status = backrun_writer_timestamp(writer, number, nanos, &error);
        break;
    default:
        status = backrun_writer_ext(writer, small, body, &error);
        break;
    }
    written("what writes the value that was taken", status, &error);
}

// Takes one value part by part, and writes it. Whether it came through.
static bool copy_value(walk *walk, copy *copy, bool go_into_typed) {
    do {
        backrun_error *error = NULL;
        uint32_t kind = 0;
        size_t count = 0;
        backrun_str name = {NULL, 0};
        int32_t code = 0;
        if (!after(walk, "backrun_reader_peek", backrun_reader_peek(walk->reader, &kind, &error), &error))
            return false;
        switch (kind) {
        case BACKRUN_KIND_END:
            if (copy->open == 0)
                return false; // there is nothing
            if (!after(walk, "backrun_reader_end", backrun_reader_end(walk->reader, &error), &error))
                return false;
            written("backrun_writer_end", backrun_writer_end(copy->writer, &error), &error);
            copy->open--;
            break;
        case BACKRUN_KIND_ARRAY:
            if (!after(walk, "backrun_reader_begin_array", backrun_reader_begin_array(walk->reader, &count, &error),
                    &error))
                return false;
            written("backrun_writer_begin_array", backrun_writer_begin_array(copy->writer, count, &error), &error);
            copy->open++;
            break;
        case BACKRUN_KIND_MAP:
            if (!after(
                    walk, "backrun_reader_begin_map", backrun_reader_begin_map(walk->reader, &count, &error), &error))
                return false;
            written("backrun_writer_begin_map", backrun_writer_begin_map(copy->writer, count, &error), &error);
            copy->open++;
            break;
        case BACKRUN_KIND_EXT:
            if (go_into_typed) {
                if (!after(
                        walk, "backrun_reader_peek_ext", backrun_reader_peek_ext(walk->reader, &code, &error), &error))
                    return false;
            }
            if (code == 100) {
                // What lies in it is no affair of who skips it.
                copy->has_typed = true;
                if (!after(walk, "backrun_reader_begin_typed", backrun_reader_begin_typed(walk->reader, &name, &error),
                        &error))
                    return false;
                written("backrun_writer_begin_typed", backrun_writer_begin_typed(copy->writer, name, &error), &error);
                copy->open++;
                break;
            }
            copy_leaf(walk, copy, kind);
            break;
        default:
            copy_leaf(walk, copy, kind);
            break;
        }
        if (walk->failed != BACKRUN_OK)
            return false;
    } while (copy->open > 0);
    return true;
}

// What was written of a message's one value, in a buffer to be freed; NULL where it is none.
static backrun_buffer *copy_of(const uint8_t *bytes, size_t size, const backrun_codec_settings *settings,
    bool go_into_typed, size_t *used, bool *has_typed) {
    walk walk = begin(bytes, size, settings);
    copy copy = {NULL, 0, false};
    backrun_error *error = NULL;
    look_at("backrun_writer_new", backrun_writer_new(settings, &copy.writer, &error), &error);
    backrun_buffer *taken = NULL;
    if (copy_value(&walk, &copy, go_into_typed)) {
        written("backrun_writer_take", backrun_writer_take(copy.writer, &taken, &error), &error);
        bool ok = after(&walk, "backrun_reader_finish", backrun_reader_finish(walk.reader, &error), &error);
        PROMISE(ok, "a whole value was read, and that is not fine");
    }
    *used = backrun_reader_offset(walk.reader);
    *has_typed = copy.has_typed;
    backrun_writer_free(copy.writer);
    backrun_reader_free(walk.reader);
    return taken;
}

void copy_twice(const uint8_t *bytes, size_t size, const backrun_codec_settings *settings, bool go_into_typed) {
    size_t used = 0;
    bool has_typed = false;
    backrun_buffer *once = copy_of(bytes, size, settings, go_into_typed, &used, &has_typed);
    bool valid = is_valid(bytes, size, settings);
    if (!has_typed) {
        PROMISE(valid == (once != NULL && used == size), "%zu of %zu bytes can be read, and valid is %d", used, size,
            valid);
    }
    if (once == NULL)
        return;
    backrun_bytes first = backrun_buffer_bytes(once);
    PROMISE(is_valid(first.data, first.len, settings), "what was written is not valid");
    if (!has_typed && settings->flags == 0 && is_canonical(bytes, used)) {
        PROMISE(first.len == used && memcmp(first.data, bytes, used) == 0, "the shortest forms are written otherwise");
    }
    PROMISE(has_typed || settings->flags != 0 || is_canonical(first.data, first.len) || first.len <= used,
        "it has become longer");
    backrun_buffer *twice = copy_of(first.data, first.len, settings, go_into_typed, &used, &has_typed);
    PROMISE(twice != NULL && used == first.len, "what was written is not read: %zu of %zu bytes", used, first.len);
    backrun_bytes second = backrun_buffer_bytes(twice);
    PROMISE(second.len == first.len && memcmp(second.data, first.data, first.len) == 0,
        "what was written is written otherwise");
    backrun_buffer_free(twice);
    backrun_buffer_free(once);
}
