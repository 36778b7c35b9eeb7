// NULL, row by row of the header: writers, readers and payloads. As in test_null_calls.c.

#include "test.h"

#define ROW(function) TEST(null_##function)
#define INVALID(call) FAILS(BACKRUN_INVALID_ARGUMENT, "NULL", call)

static const backrun_str EMPTY = {NULL, 0};
static const backrun_str WRONG = {NULL, 1};
static const backrun_bytes NO_BYTES = {NULL, 0};
static const backrun_bytes WRONG_BYTES = {NULL, 1};

static backrun_writer *new_writer(void) {
    backrun_writer *writer = NULL;
    OK(backrun_writer_new(NULL, &writer, E));
    return writer;
}

static backrun_reader *reader_of(backrun_bytes input) {
    backrun_reader *reader = NULL;
    OK(backrun_reader_new(input, NULL, &reader, E));
    return reader;
}

ROW(backrun_writer_new) {
    INVALID(backrun_writer_new(NULL, NULL, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_writer_new(NULL, NULL, NULL));
    backrun_writer *writer = NULL;
    CHECK_INT(BACKRUN_OK, backrun_writer_new(NULL, &writer, NULL));
    backrun_writer_free(writer);
}
ROW(backrun_writer_free) {
    backrun_writer_free(NULL);
}
ROW(backrun_writer_clear) {
    backrun_writer_clear(NULL);
}

ROW(backrun_writer_bytes) {
    backrun_bytes written = bytes("?");
    INVALID(backrun_writer_bytes(NULL, &written, E));
    CHECK(written.data == NULL && written.len == 0);
    backrun_writer *writer = new_writer();
    INVALID(backrun_writer_bytes(writer, NULL, E));
    CHECK_INT(BACKRUN_OK, backrun_writer_nil(writer, NULL)); // A missing out is no error that sticks.
    CHECK_INT(BACKRUN_OK, backrun_writer_bytes(writer, &written, NULL));
    CHECK_INT(1, (long long)written.len);
    backrun_writer_free(writer);
}
ROW(backrun_writer_take) {
    backrun_buffer *taken = (void *)1;
    INVALID(backrun_writer_take(NULL, &taken, E));
    CHECK(taken == NULL);
    backrun_writer *writer = new_writer();
    INVALID(backrun_writer_take(writer, NULL, E));
    CHECK_INT(BACKRUN_OK, backrun_writer_nil(writer, NULL));
    CHECK_INT(BACKRUN_OK, backrun_writer_take(writer, &taken, NULL));
    backrun_buffer_free(taken);
    backrun_writer_free(writer);
}

// A function that writes one value: without a writer it fails, with one and without a place for the error it works.
#define WRITES(function, ...)                                                                                          \
    do {                                                                                                               \
        INVALID(function(NULL, __VA_ARGS__, E));                                                                       \
        CHECK_INT(BACKRUN_INVALID_ARGUMENT, function(NULL, __VA_ARGS__, NULL));                                        \
        backrun_writer *writer = new_writer();                                                                         \
        CHECK_INT(BACKRUN_OK, function(writer, __VA_ARGS__, NULL));                                                    \
        backrun_writer_free(writer);                                                                                   \
    } while (0)

// One that takes a view: one that is wrong is refused.
#define REFUSES(function, ...)                                                                                         \
    do {                                                                                                               \
        backrun_writer *writer = new_writer();                                                                         \
        INVALID(function(writer, __VA_ARGS__, E));                                                                     \
        backrun_writer_free(writer);                                                                                   \
    } while (0)

ROW(backrun_writer_nil) {
    INVALID(backrun_writer_nil(NULL, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_writer_nil(NULL, NULL));
}
ROW(backrun_writer_end) {
    INVALID(backrun_writer_end(NULL, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_writer_end(NULL, NULL));
}
ROW(backrun_writer_begin_array) {
    WRITES(backrun_writer_begin_array, 1);
}
ROW(backrun_writer_begin_map) {
    WRITES(backrun_writer_begin_map, 1);
}
ROW(backrun_writer_begin_typed) {
    WRITES(backrun_writer_begin_typed, EMPTY);
    REFUSES(backrun_writer_begin_typed, WRONG);
}
ROW(backrun_writer_bool) {
    WRITES(backrun_writer_bool, 1);
}
ROW(backrun_writer_int) {
    WRITES(backrun_writer_int, 1);
}
ROW(backrun_writer_uint) {
    WRITES(backrun_writer_uint, 1);
}
ROW(backrun_writer_full_int) {
    WRITES(backrun_writer_full_int, 1, 32);
}
ROW(backrun_writer_full_uint) {
    WRITES(backrun_writer_full_uint, 1, 8);
}
ROW(backrun_writer_f32) {
    WRITES(backrun_writer_f32, 1);
}
ROW(backrun_writer_f64) {
    WRITES(backrun_writer_f64, 1);
}
ROW(backrun_writer_str) {
    WRITES(backrun_writer_str, EMPTY);
    REFUSES(backrun_writer_str, WRONG);
}
ROW(backrun_writer_str_utf16) {
    WRITES(backrun_writer_str_utf16, NULL, 0);
    REFUSES(backrun_writer_str_utf16, NULL, 1);
}
ROW(backrun_writer_key) {
    INVALID(backrun_writer_key(NULL, EMPTY, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_writer_key(NULL, EMPTY, NULL));
    REFUSES(backrun_writer_key, WRONG);
}
ROW(backrun_writer_bin) {
    WRITES(backrun_writer_bin, NO_BYTES);
    REFUSES(backrun_writer_bin, WRONG_BYTES);
}
ROW(backrun_writer_ext) {
    WRITES(backrun_writer_ext, 5, NO_BYTES);
    REFUSES(backrun_writer_ext, 5, WRONG_BYTES);
}
ROW(backrun_writer_raw) {
    WRITES(backrun_writer_raw, bytes("\x01"));
    REFUSES(backrun_writer_raw, WRONG_BYTES);
}
ROW(backrun_writer_timestamp) {
    WRITES(backrun_writer_timestamp, 1, 0);
}

// .NET's types.

static const uint8_t GUID[16] = {0};
static const uint32_t ZERO[4] = {0};

ROW(backrun_writer_guid) {
    WRITES(backrun_writer_guid, GUID);
    REFUSES(backrun_writer_guid, NULL);
}
ROW(backrun_writer_native_guid) {
    WRITES(backrun_writer_native_guid, GUID);
    REFUSES(backrun_writer_native_guid, NULL);
}
ROW(backrun_writer_decimal) {
    WRITES(backrun_writer_decimal, str("1"));
    REFUSES(backrun_writer_decimal, WRONG);
}
ROW(backrun_writer_decimal_bits) {
    WRITES(backrun_writer_decimal_bits, ZERO);
    REFUSES(backrun_writer_decimal_bits, NULL);
}
ROW(backrun_writer_native_decimal) {
    WRITES(backrun_writer_native_decimal, ZERO);
    REFUSES(backrun_writer_native_decimal, NULL);
}
ROW(backrun_writer_datetime) {
    WRITES(backrun_writer_datetime, 1);
}
ROW(backrun_writer_native_datetime) {
    WRITES(backrun_writer_native_datetime, 1, BACKRUN_DATETIME_UTC);
}
ROW(backrun_writer_datetimeoffset) {
    WRITES(backrun_writer_datetimeoffset, BACKRUN_TICKS_OF_1970, -60);
}
ROW(backrun_writer_timespan) {
    WRITES(backrun_writer_timespan, -1);
}
ROW(backrun_writer_dateonly) {
    WRITES(backrun_writer_dateonly, 1);
}
ROW(backrun_writer_timeonly) {
    WRITES(backrun_writer_timeonly, 1);
}
ROW(backrun_writer_bigint) {
    WRITES(backrun_writer_bigint, NO_BYTES);
    REFUSES(backrun_writer_bigint, WRONG_BYTES);
}
ROW(backrun_writer_int128) {
    WRITES(backrun_writer_int128, 1, -1);
}
ROW(backrun_writer_uint128) {
    WRITES(backrun_writer_uint128, 1, 1);
}

ROW(backrun_reader_new) {
    backrun_reader *reader = (void *)1;
    INVALID(backrun_reader_new(WRONG_BYTES, NULL, &reader, E));
    CHECK(reader == NULL);
    INVALID(backrun_reader_new(NO_BYTES, NULL, NULL, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_reader_new(NO_BYTES, NULL, NULL, NULL));
    CHECK_INT(BACKRUN_OK, backrun_reader_new(NO_BYTES, NULL, &reader, NULL));
    backrun_reader_free(reader);
}
ROW(backrun_reader_free) {
    backrun_reader_free(NULL);
}
ROW(backrun_reader_offset) {
    CHECK_INT(0, (long long)backrun_reader_offset(NULL));
}
ROW(backrun_reader_finish) {
    INVALID(backrun_reader_finish(NULL, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_reader_finish(NULL, NULL));
}
ROW(backrun_reader_end) {
    INVALID(backrun_reader_end(NULL, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_reader_end(NULL, NULL));
}
ROW(backrun_reader_nil) {
    INVALID(backrun_reader_nil(NULL, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_reader_nil(NULL, NULL));
}
ROW(backrun_reader_skip) {
    backrun_bytes skipped = bytes("?");
    INVALID(backrun_reader_skip(NULL, &skipped, E));
    CHECK(skipped.data == NULL && skipped.len == 0);
    backrun_reader *reader = reader_of(bytes("\x01"));
    CHECK_INT(BACKRUN_OK, backrun_reader_skip(reader, NULL, NULL)); // Who skips may not want the bytes.
    CHECK_INT(1, (long long)backrun_reader_offset(reader));
    backrun_reader_free(reader);
}

// A function that reads one value: without a reader its out is as if it were new; without an out nothing is taken.
#define READS(type, function, input)                                                                                   \
    do {                                                                                                               \
        type out, nothing;                                                                                             \
        memset(&out, 0xab, sizeof out);                                                                                \
        memset(&nothing, 0, sizeof nothing);                                                                           \
        INVALID(function(NULL, &out, E));                                                                              \
        CHECK(memcmp(&out, &nothing, sizeof out) == 0);                                                                \
        CHECK_INT(BACKRUN_INVALID_ARGUMENT, function(NULL, NULL, NULL));                                               \
        backrun_reader *reader = reader_of(bytes(input));                                                              \
        INVALID(function(reader, NULL, E));                                                                            \
        CHECK_INT(0, (long long)backrun_reader_offset(reader));                                                        \
        CHECK_INT(BACKRUN_OK, function(reader, &out, NULL));                                                           \
        backrun_reader_free(reader);                                                                                   \
    } while (0)

ROW(backrun_reader_peek) {
    READS(uint32_t, backrun_reader_peek, "\x01");
}
ROW(backrun_reader_peek_ext) {
    READS(int32_t, backrun_reader_peek_ext, "\xd4\x05?");
}
ROW(backrun_reader_begin_array) {
    READS(size_t, backrun_reader_begin_array, "\x90");
}
ROW(backrun_reader_begin_map) {
    READS(size_t, backrun_reader_begin_map, "\x80");
}
ROW(backrun_reader_begin_typed) {
    READS(backrun_str, backrun_reader_begin_typed, "\xd5\x64\xa1?");
}
ROW(backrun_reader_try_nil) {
    READS(int32_t, backrun_reader_try_nil, "\xc0");
}
ROW(backrun_reader_bool) {
    READS(int32_t, backrun_reader_bool, "\xc3");
}
ROW(backrun_reader_int) {
    READS(int64_t, backrun_reader_int, "\x01");
}
ROW(backrun_reader_int32) {
    READS(int32_t, backrun_reader_int32, "\x01");
}
ROW(backrun_reader_uint) {
    READS(uint64_t, backrun_reader_uint, "\x01");
}
ROW(backrun_reader_f32) {
    READS(float, backrun_reader_f32, "\x01");
}
ROW(backrun_reader_f64) {
    READS(double, backrun_reader_f64, "\x01");
}
ROW(backrun_reader_str) {
    READS(backrun_str, backrun_reader_str, "\xa1?");
}
ROW(backrun_reader_str_bytes) {
    READS(backrun_bytes, backrun_reader_str_bytes, "\xa1?");
}
ROW(backrun_reader_bin) {
    READS(backrun_bytes, backrun_reader_bin, "\xc4\x01?");
}
ROW(backrun_reader_ext) {
    backrun_bytes out = bytes("?");
    int32_t code = 77;
    INVALID(backrun_reader_ext(NULL, &code, &out, E));
    CHECK(code == 0 && out.data == NULL && out.len == 0);
    backrun_reader *reader = reader_of(bytes("\xd4\x05?"));
    INVALID(backrun_reader_ext(reader, &code, NULL, E));
    CHECK_INT(0, (long long)backrun_reader_offset(reader));
    CHECK_INT(BACKRUN_OK, backrun_reader_ext(reader, NULL, &out, NULL));
    backrun_reader_free(reader);
}
ROW(backrun_reader_timestamp) {
    int64_t seconds = 77;
    uint32_t nanos = 77;
    INVALID(backrun_reader_timestamp(NULL, &seconds, &nanos, E));
    CHECK(seconds == 0 && nanos == 0);
    backrun_reader *reader = reader_of(bytes("\xd6\xff\x01\x01\x01\x01"));
    INVALID(backrun_reader_timestamp(reader, NULL, &nanos, E));
    CHECK_INT(BACKRUN_OK, backrun_reader_timestamp(reader, &seconds, NULL, NULL));
    CHECK_INT(0x01010101, seconds);
    backrun_reader_free(reader);
}

#define TEXT_OF_GUID                                                                                                   \
    "\xd9\x24"                                                                                                         \
    "00112233-4455-6677-8899-aabbccddeeff"

// Out is an array: it is its address already.
#define READS_ARRAY(type, length, function, input)                                                                     \
    do {                                                                                                               \
        type out[length];                                                                                              \
        static const type nothing[length];                                                                             \
        memset(out, 0xab, sizeof out);                                                                                 \
        INVALID(function(NULL, out, E));                                                                               \
        CHECK(memcmp(out, nothing, sizeof out) == 0);                                                                  \
        CHECK_INT(BACKRUN_INVALID_ARGUMENT, function(NULL, NULL, NULL));                                               \
        backrun_reader *reader = reader_of(bytes(input));                                                              \
        INVALID(function(reader, NULL, E));                                                                            \
        CHECK_INT(0, (long long)backrun_reader_offset(reader));                                                        \
        CHECK_INT(BACKRUN_OK, function(reader, out, NULL));                                                            \
        backrun_reader_free(reader);                                                                                   \
    } while (0)

ROW(backrun_reader_guid) {
    READS_ARRAY(uint8_t, 16, backrun_reader_guid, TEXT_OF_GUID);
}
ROW(backrun_reader_native_guid) {
    READS_ARRAY(uint8_t, 16, backrun_reader_native_guid,
        "\xc4\x10"
        "0123456789abcdef");
}
ROW(backrun_reader_decimal) {
    READS(backrun_str, backrun_reader_decimal,
        "\xa1"
        "1");
}
ROW(backrun_reader_decimal_bits) {
    READS_ARRAY(uint32_t, 4, backrun_reader_decimal_bits,
        "\xa1"
        "1");
}
ROW(backrun_reader_native_decimal) {
    static const uint8_t input[18] = {0xc4, 0x10};
    uint32_t out[4] = {1, 1, 1, 1};
    INVALID(backrun_reader_native_decimal(NULL, out, E));
    CHECK(out[0] == 0 && out[3] == 0);
    backrun_reader *reader = reader_of((backrun_bytes){input, sizeof input});
    INVALID(backrun_reader_native_decimal(reader, NULL, E));
    CHECK_INT(BACKRUN_OK, backrun_reader_native_decimal(reader, out, NULL));
    backrun_reader_free(reader);
}
ROW(backrun_reader_datetime) {
    READS(int64_t, backrun_reader_datetime, "\xd6\xff\x01\x01\x01\x01");
}
ROW(backrun_reader_timespan) {
    READS(int64_t, backrun_reader_timespan, "\x01");
}
ROW(backrun_reader_dateonly) {
    READS(int32_t, backrun_reader_dateonly, "\x01");
}
ROW(backrun_reader_timeonly) {
    READS(int64_t, backrun_reader_timeonly, "\x01");
}
ROW(backrun_reader_native_datetime) {
    int64_t ticks = 77;
    uint32_t kind = 77;
    INVALID(backrun_reader_native_datetime(NULL, &ticks, &kind, E));
    CHECK(ticks == 0 && kind == 0);
    backrun_reader *reader = reader_of(bytes("\x01"));
    INVALID(backrun_reader_native_datetime(reader, NULL, &kind, E));
    CHECK_INT(BACKRUN_OK, backrun_reader_native_datetime(reader, &ticks, NULL, NULL));
    backrun_reader_free(reader);
}
ROW(backrun_reader_datetimeoffset) {
    int64_t ticks = 77;
    int32_t offset = 77;
    INVALID(backrun_reader_datetimeoffset(NULL, &ticks, &offset, E));
    CHECK(ticks == 0 && offset == 0);
    backrun_reader *reader = reader_of(bytes("\x92\xd6\xff\x01\x01\x01\x01\x3c"));
    INVALID(backrun_reader_datetimeoffset(reader, NULL, &offset, E));
    CHECK_INT(BACKRUN_OK, backrun_reader_datetimeoffset(reader, &ticks, NULL, NULL));
    backrun_reader_free(reader);
}
ROW(backrun_reader_int128) {
    uint64_t low = 77;
    int64_t high = 77;
    INVALID(backrun_reader_int128(NULL, &low, &high, E));
    CHECK(low == 0 && high == 0);
    backrun_reader *reader = reader_of(bytes("\xc4\x10"
                                             "0123456789abcdef"));
    INVALID(backrun_reader_int128(reader, NULL, &high, E));
    INVALID(backrun_reader_int128(reader, &low, NULL, E));
    CHECK_INT(BACKRUN_OK, backrun_reader_int128(reader, &low, &high, NULL));
    backrun_reader_free(reader);
}
ROW(backrun_reader_uint128) {
    uint64_t low = 77, high = 77;
    INVALID(backrun_reader_uint128(NULL, &low, &high, E));
    CHECK(low == 0 && high == 0);
    backrun_reader *reader = reader_of(bytes("\xc4\x10"
                                             "0123456789abcdef"));
    INVALID(backrun_reader_uint128(reader, NULL, &high, E));
    INVALID(backrun_reader_uint128(reader, &low, NULL, E));
    CHECK_INT(BACKRUN_OK, backrun_reader_uint128(reader, &low, &high, NULL));
    backrun_reader_free(reader);
}

ROW(backrun_payload_validate) {
    INVALID(backrun_payload_validate(WRONG_BYTES, NULL, E));
    CHECK_INT(BACKRUN_INVALID_PAYLOAD, backrun_payload_validate(NO_BYTES, NULL, NULL));
    CHECK_INT(BACKRUN_OK, backrun_payload_validate(bytes("\x01"), NULL, NULL));
}

// One that makes a payload into other bytes.
#define MAKES(function, input, wrong)                                                                                  \
    do {                                                                                                               \
        backrun_buffer *made = (void *)1;                                                                              \
        INVALID(function(wrong, NULL, &made, E));                                                                      \
        CHECK(made == NULL);                                                                                           \
        INVALID(function(input, NULL, NULL, E));                                                                       \
        CHECK_INT(BACKRUN_INVALID_ARGUMENT, function(wrong, NULL, NULL, NULL));                                        \
        CHECK_INT(BACKRUN_OK, function(input, NULL, &made, NULL));                                                     \
        backrun_buffer_free(made);                                                                                     \
    } while (0)

ROW(backrun_payload_to_json) {
    MAKES(backrun_payload_to_json, bytes("\x01"), WRONG_BYTES);
}
ROW(backrun_payload_from_json) {
    MAKES(backrun_payload_from_json, str("1"), WRONG);
}
ROW(backrun_payload_compress) {
    MAKES(backrun_payload_compress, bytes("\x01"), WRONG_BYTES);
}
ROW(backrun_payload_decompress) {
    MAKES(backrun_payload_decompress, bytes("\x01"), WRONG_BYTES);
}
ROW(backrun_payload_type_name) {
    backrun_str name = str("?");
    INVALID(backrun_payload_type_name(WRONG_BYTES, &name, E));
    CHECK(name.data == NULL && name.len == 0);
    INVALID(backrun_payload_type_name(bytes("\x01"), NULL, E));
    CHECK_INT(BACKRUN_OK, backrun_payload_type_name(bytes("\x01"), &name, NULL));
}
