// Every function of a reader, in any order.

#include "walk.h"

#include <string.h>

// A value that was taken, written and taken again is the same.
typedef struct again {
    backrun_writer *writer;
    backrun_reader *reader;
} again;

static again write_again(const backrun_codec_settings *settings) {
    again again = {NULL, NULL};
    backrun_error *error = NULL;
    look_at("backrun_writer_new", backrun_writer_new(settings, &again.writer, &error), &error);
    return again;
}

// After the value was written. Whether it was: Int128 and UInt128 are not in version 2.5.
static bool read_again(
    again *again, const backrun_codec_settings *settings, const char *function, int32_t status, backrun_error **error) {
    look_at(function, status, error);
    if (status != BACKRUN_OK) {
        PROMISE(settings->version == BACKRUN_MESSAGEPACK_2_5 || settings->flags != 0,
            "%s does not write what was read: %d", function, status);
        return false;
    }
    backrun_bytes bytes;
    look_at("backrun_writer_bytes", backrun_writer_bytes(again->writer, &bytes, error), error);
    PROMISE(
        settings->flags != 0 || is_canonical(bytes.data, bytes.len), "%s does not write the shortest form", function);
    look_at("backrun_reader_new", backrun_reader_new(bytes, settings, &again->reader, error), error);
    return true;
}

static void end_again(again *again) {
    backrun_reader_free(again->reader);
    backrun_writer_free(again->writer);
}

// Takes a value of a type of .NET. `same`: how `value` and `value_again` are compared.
#define TAKE(name, declare, take, write, take_again, same)                                                             \
    do {                                                                                                               \
        declare;                                                                                                       \
        backrun_error *error = NULL;                                                                                   \
        backrun_reader *reader = walk->reader;                                                                         \
        if (after(walk, "backrun_reader_" name, take, &error)) {                                                       \
            again again = write_again(walk->settings);                                                                 \
            backrun_writer *writer = again.writer;                                                                     \
            if (read_again(&again, walk->settings, "backrun_writer_" name, write, &error)) {                           \
                reader = again.reader;                                                                                 \
                int32_t status = take_again;                                                                           \
                look_at("backrun_reader_" name, status, &error);                                                       \
                PROMISE(status == BACKRUN_OK && (same), "backrun_writer_" name " does not write what was read");       \
            }                                                                                                          \
            end_again(&again);                                                                                         \
        }                                                                                                              \
    } while (0)

static void take_a_type_of_dotnet(walk *walk, uint8_t which) {
    switch (which) {
    case 0:
        TAKE("guid", uint8_t value[16]; uint8_t other[16], backrun_reader_guid(reader, value, &error),
             backrun_writer_guid(writer, value, &error), backrun_reader_guid(reader, other, &error),
             memcmp(value, other, 16) == 0);
        break;
    case 1:
        TAKE("native_guid", uint8_t value[16]; uint8_t other[16], backrun_reader_native_guid(reader, value, &error),
             backrun_writer_native_guid(writer, value, &error), backrun_reader_native_guid(reader, other, &error),
             memcmp(value, other, 16) == 0);
        break;
    case 2:
        // A zero has no sign as text.
        TAKE("decimal_bits", uint32_t value[4]; uint32_t other[4], backrun_reader_decimal_bits(reader, value, &error),
             backrun_writer_decimal_bits(writer, value, &error), backrun_reader_decimal_bits(reader, other, &error),
             memcmp(value, other, 12) == 0 && (value[3] == other[3] || ((value[0] | value[1] | value[2]) == 0 &&
                                                                           (value[3] ^ other[3]) == 0x80000000)));
        break;
    case 3:
        TAKE("native_decimal", uint32_t value[4]; uint32_t other[4],
             backrun_reader_native_decimal(reader, value, &error), backrun_writer_native_decimal(writer, value, &error),
             backrun_reader_native_decimal(reader, other, &error), memcmp(value, other, 16) == 0);
        break;
    case 4:
        TAKE("datetime", int64_t value; int64_t other, backrun_reader_datetime(reader, &value, &error),
             backrun_writer_datetime(writer, value, &error), backrun_reader_datetime(reader, &other, &error),
             value == other);
        break;
    case 5:
        TAKE("native_datetime", int64_t value; int64_t other; uint32_t kind; uint32_t other_kind,
             backrun_reader_native_datetime(reader, &value, &kind, &error),
             backrun_writer_native_datetime(writer, value, kind, &error),
             backrun_reader_native_datetime(reader, &other, &other_kind, &error), value == other && kind == other_kind);
        break;
    case 6:
        TAKE("datetimeoffset", int64_t value; int64_t other; int32_t minutes; int32_t other_minutes,
             backrun_reader_datetimeoffset(reader, &value, &minutes, &error),
             backrun_writer_datetimeoffset(writer, value, minutes, &error),
             backrun_reader_datetimeoffset(reader, &other, &other_minutes, &error),
             value == other && minutes == other_minutes);
        break;
    case 7:
        TAKE("timespan", int64_t value; int64_t other, backrun_reader_timespan(reader, &value, &error),
             backrun_writer_timespan(writer, value, &error), backrun_reader_timespan(reader, &other, &error),
             value == other);
        break;
    case 8:
        TAKE("dateonly", int32_t value; int32_t other, backrun_reader_dateonly(reader, &value, &error),
             backrun_writer_dateonly(writer, value, &error), backrun_reader_dateonly(reader, &other, &error),
             value == other);
        break;
    case 9:
        TAKE("timeonly", int64_t value; int64_t other, backrun_reader_timeonly(reader, &value, &error),
             backrun_writer_timeonly(writer, value, &error), backrun_reader_timeonly(reader, &other, &error),
             value == other);
        break;
    case 10:
        TAKE("int128", uint64_t value; uint64_t other; int64_t high; int64_t other_high,
             backrun_reader_int128(reader, &value, &high, &error), backrun_writer_int128(writer, value, high, &error),
             backrun_reader_int128(reader, &other, &other_high, &error), value == other && high == other_high);
        break;
    case 11:
        TAKE("uint128", uint64_t value; uint64_t other; uint64_t high; uint64_t other_high,
             backrun_reader_uint128(reader, &value, &high, &error), backrun_writer_uint128(writer, value, high, &error),
             backrun_reader_uint128(reader, &other, &other_high, &error), value == other && high == other_high);
        break;
    case 12:
        TAKE("int", int64_t value; int64_t other, backrun_reader_int(reader, &value, &error),
             backrun_writer_int(writer, value, &error), backrun_reader_int(reader, &other, &error), value == other);
        break;
    case 13:
        TAKE("int32", int32_t value; int32_t other, backrun_reader_int32(reader, &value, &error),
             backrun_writer_int(writer, value, &error), backrun_reader_int32(reader, &other, &error), value == other);
        break;
    case 14:
        TAKE("uint", uint64_t value; uint64_t other, backrun_reader_uint(reader, &value, &error),
             backrun_writer_uint(writer, value, &error), backrun_reader_uint(reader, &other, &error), value == other);
        break;
    case 15:
        // What is no number is none again.
        TAKE("f32", float value; float other, backrun_reader_f32(reader, &value, &error),
             backrun_writer_f32(writer, value, &error), backrun_reader_f32(reader, &other, &error),
             memcmp(&value, &other, 4) == 0);
        break;
    case 16:
        TAKE("f64", double value; double other, backrun_reader_f64(reader, &value, &error),
             backrun_writer_f64(writer, value, &error), backrun_reader_f64(reader, &other, &error),
             memcmp(&value, &other, 8) == 0);
        break;
    default:
        TAKE("bool", int32_t value; int32_t other, backrun_reader_bool(reader, &value, &error),
             backrun_writer_bool(writer, value, &error), backrun_reader_bool(reader, &other, &error), value == other);
        break;
    }
}

enum { TYPES_OF_DOTNET = 18, CALLS = TYPES_OF_DOTNET + 17 };

static void take_a_view(walk *walk, uint8_t which) {
    backrun_error *error = NULL;
    backrun_bytes bytes = {NULL, 1};
    backrun_str text = {NULL, 1};
    int32_t code = 1;
    bool ok = false;
    switch (which) {
    case 0:
        ok = after(walk, "backrun_reader_str", backrun_reader_str(walk->reader, &text, &error), &error);
        look_at_view(walk, "backrun_reader_str", ok, text.data, text.len);
        break;
    case 1:
        ok = after(walk, "backrun_reader_str_bytes", backrun_reader_str_bytes(walk->reader, &bytes, &error), &error);
        look_at_view(walk, "backrun_reader_str_bytes", ok, bytes.data, bytes.len);
        break;
    case 2:
        ok = after(walk, "backrun_reader_bin", backrun_reader_bin(walk->reader, &bytes, &error), &error);
        look_at_view(walk, "backrun_reader_bin", ok, bytes.data, bytes.len);
        break;
    case 3:
        ok = after(walk, "backrun_reader_ext", backrun_reader_ext(walk->reader, &code, &bytes, &error), &error);
        look_at_view(walk, "backrun_reader_ext", ok, bytes.data, bytes.len);
        PROMISE(ok ? code >= INT8_MIN && code <= INT8_MAX : code == 0, "the extension has the type %d", code);
        break;
    case 4:
        ok = after(walk, "backrun_reader_skip", backrun_reader_skip(walk->reader, &bytes, &error), &error);
        look_at_view(walk, "backrun_reader_skip", ok, bytes.data, bytes.len);
        PROMISE(!ok || bytes.len > 0, "what was skipped has no bytes");
        break;
    case 5:
        after(walk, "backrun_reader_skip", backrun_reader_skip(walk->reader, NULL, &error), &error);
        break;
    default:
        ok = after(walk, "backrun_reader_decimal", backrun_reader_decimal(walk->reader, &text, &error), &error);
        look_at_view(walk, "backrun_reader_decimal", ok, text.data, text.len);
        break;
    }
}

static void call(walk *walk, uint8_t which) {
    backrun_error *error = NULL;
    int32_t truth = 2;
    uint32_t kind = 99;
    size_t count = 1;
    backrun_str name = {NULL, 1};
    int64_t seconds = 1;
    bool ok = false;
    size_t left = walk->size - walk->before;
    switch (which) {
    case 0:
        after(walk, "backrun_reader_nil", backrun_reader_nil(walk->reader, &error), &error);
        break;
    case 1:
        ok = after(walk, "backrun_reader_try_nil", backrun_reader_try_nil(walk->reader, &truth, &error), &error);
        PROMISE(ok ? truth == 0 || truth == 1 : truth == 0, "backrun_reader_try_nil gives %d", truth);
        break;
    case 2:
        ok = after(
            walk, "backrun_reader_timestamp", backrun_reader_timestamp(walk->reader, &seconds, NULL, &error), &error);
        PROMISE(ok || seconds == 0, "the seconds of none are %lld", (long long)seconds);
        break;
    case 3:
        ok =
            after(walk, "backrun_reader_begin_array", backrun_reader_begin_array(walk->reader, &count, &error), &error);
        PROMISE(ok ? count < left : count == 0, "an array of %zu in %zu bytes", count, left);
        walk->open += ok;
        break;
    case 4:
        ok = after(walk, "backrun_reader_begin_map", backrun_reader_begin_map(walk->reader, &count, &error), &error);
        PROMISE(ok ? count <= left / 2 : count == 0, "a map of %zu keys in %zu bytes", count, left);
        walk->open += ok;
        break;
    case 5:
        ok = after(walk, "backrun_reader_begin_typed", backrun_reader_begin_typed(walk->reader, &name, &error), &error);
        look_at_view(walk, "backrun_reader_begin_typed", ok, name.data, name.len);
        walk->open += ok;
        break;
    case 6:
        ok = after(walk, "backrun_reader_end", backrun_reader_end(walk->reader, &error), &error);
        PROMISE(!ok || walk->open > 0, "what was not begun is ended");
        walk->open -= ok;
        break;
    case 7:
        ok = after(walk, "backrun_reader_peek", backrun_reader_peek(walk->reader, &kind, &error), &error);
        PROMISE(ok ? kind >= BACKRUN_KIND_NIL && kind <= BACKRUN_KIND_END : kind == 0, "the kind is %u", kind);
        break;
    case 8:
        ok = after(walk, "backrun_reader_peek_ext", backrun_reader_peek_ext(walk->reader, &truth, &error), &error);
        PROMISE(ok ? truth >= INT8_MIN && truth <= INT8_MAX : truth == 0, "the type is %d", truth);
        break;
    default:
        // An error of its own where something is open: no other call is that good after it.
        after(walk, "backrun_reader_finish", backrun_reader_finish(walk->reader, &error), &error);
        break;
    }
}

static void call_in_this_order(const uint8_t *calls, size_t count, walk *walk) {
    for (size_t i = 0; i < count; i++) {
        uint8_t which = calls[i] % CALLS;
        if (which < TYPES_OF_DOTNET) {
            take_a_type_of_dotnet(walk, which);
        } else if (which < TYPES_OF_DOTNET + 7) {
            take_a_view(walk, (uint8_t)(which - TYPES_OF_DOTNET));
        } else {
            call(walk, (uint8_t)(which - TYPES_OF_DOTNET - 7));
        }
    }
    call(walk, 9);
    PROMISE(walk->failed != BACKRUN_OK || walk->open == 0, "%zu are open, and that is fine", walk->open);
}

void guided_reader(const uint8_t *data, size_t size) {
    if (size < 2)
        return;
    backrun_codec_settings settings = settings_of(data[0]);
    size_t calls = data[1] % 32;
    if (calls > size - 2)
        calls = size - 2;
    const uint8_t *bytes = data + 2 + calls;
    size -= 2 + calls;
    walk walk = begin(bytes, size, &settings);
    call_in_this_order(data + 2, calls, &walk);
    backrun_reader_free(walk.reader);
    copy_twice(bytes, size, &settings, (data[0] & 0x10) != 0);
}
