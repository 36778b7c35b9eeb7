// .NET's own types: what each looks like, and that it comes back.

#include "test.h"

static backrun_writer *writer_of(uint32_t version) {
    backrun_writer *writer = NULL;
    backrun_codec_settings settings = {.struct_size = sizeof settings, .version = version};
    OK(backrun_writer_new(&settings, &writer, E));
    return writer;
}

// A reader of what was written, which must be these bytes.
static backrun_reader *back(backrun_writer *writer, const char *hex) {
    backrun_bytes written = {NULL, 0};
    OK(backrun_writer_bytes(writer, &written, E));
    char actual[256] = "";
    CHECK(written.len * 2 < sizeof actual);
    for (size_t i = 0; i < written.len; i++) {
        snprintf(actual + 2 * i, 3, "%02x", written.data[i]);
    }
    test_check_text(__FILE__, __LINE__, hex, str(actual), "what was written");
    backrun_reader *reader = NULL;
    OK(backrun_reader_new(written, NULL, &reader, E));
    return reader;
}

static void done(backrun_writer *writer, backrun_reader *reader) {
    OK(backrun_reader_finish(reader, E));
    backrun_reader_free(reader);
    backrun_writer_clear(writer);
}

static const uint8_t guid[16] = {
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

TEST(a_guid_is_text_or_in_the_native_form_its_bytes_as_dotnet_has_them) {
    backrun_writer *writer = writer_of(0);
    uint8_t read[16] = {0};
    OK(backrun_writer_guid(writer, guid, E));
    backrun_reader *reader =
        back(writer, "d92430303131323233332d343435352d363637372d383839392d616162626363646465656666");
    OK(backrun_reader_guid(reader, read, E));
    CHECK(memcmp(read, guid, 16) == 0);
    done(writer, reader);
    OK(backrun_writer_native_guid(writer, guid, E));
    reader = back(writer, "c41033221100554477668899aabbccddeeff");
    OK(backrun_reader_native_guid(reader, read, E));
    CHECK(memcmp(read, guid, 16) == 0);
    done(writer, reader);
    OK(backrun_writer_str(writer, str("{00112233-4455-6677-8899-aabbccddeeff}"), E));
    backrun_bytes written = {NULL, 0};
    OK(backrun_writer_bytes(writer, &written, E));
    OK(backrun_reader_new(written, NULL, &reader, E));
    FAILS(BACKRUN_INVALID_PAYLOAD, "byte 0", backrun_reader_guid(reader, read, E));
    CHECK(read[1] == 0);
    backrun_reader_free(reader);
    backrun_writer_free(writer);
}

TEST(a_decimal_keeps_its_scale) {
    backrun_writer *writer = writer_of(0);
    const uint32_t bits[4] = {150, 0, 0, UINT32_C(2) << 16 | UINT32_C(1) << 31};
    uint32_t read[4] = {0};
    backrun_str text = {NULL, 0};
    OK(backrun_writer_decimal(writer, str("-1.50"), E));
    backrun_reader *reader = back(writer, "a52d312e3530");
    OK(backrun_reader_decimal(reader, &text, E));
    CHECK_TEXT("-1.50", text);
    done(writer, reader);
    OK(backrun_writer_decimal_bits(writer, bits, E));
    reader = back(writer, "a52d312e3530");
    OK(backrun_reader_decimal_bits(reader, read, E));
    CHECK(memcmp(read, bits, sizeof bits) == 0);
    done(writer, reader);
    OK(backrun_writer_native_decimal(writer, bits, E));
    reader = back(writer, "c41000000280000000009600000000000000");
    OK(backrun_reader_native_decimal(reader, read, E));
    CHECK(memcmp(read, bits, sizeof bits) == 0);
    done(writer, reader);
    FAILS(
        BACKRUN_INVALID_ARGUMENT, "text is '1,5', which is no decimal", backrun_writer_decimal(writer, str("1,5"), E));
    backrun_writer_clear(writer);
    const uint32_t wrong[4] = {1, 0, 0, UINT32_C(29) << 16};
    FAILS(BACKRUN_INVALID_ARGUMENT, "the flags of the decimal are 0x1d0000",
        backrun_writer_decimal_bits(writer, wrong, E));
    backrun_writer_free(writer);
}

TEST(a_time_is_a_timestamp_and_in_the_native_form_keeps_its_kind) {
    backrun_writer *writer = writer_of(0);
    int64_t ticks = 0;
    uint32_t kind = 0;
    OK(backrun_writer_datetime(writer, BACKRUN_TICKS_OF_1970 + 1, E));
    backrun_reader *reader = back(writer, "d7ff0000019000000000");
    OK(backrun_reader_datetime(reader, &ticks, E));
    CHECK_INT(BACKRUN_TICKS_OF_1970 + 1, ticks);
    done(writer, reader);
    OK(backrun_writer_native_datetime(writer, BACKRUN_TICKS_OF_1970, BACKRUN_DATETIME_UTC, E));
    reader = back(writer, "cf489f7ff5f7b58000");
    OK(backrun_reader_native_datetime(reader, &ticks, &kind, E));
    CHECK(ticks == BACKRUN_TICKS_OF_1970 && kind == BACKRUN_DATETIME_UTC);
    done(writer, reader);
    OK(backrun_writer_native_datetime(writer, BACKRUN_TICKS_OF_1970, BACKRUN_DATETIME_LOCAL, E));
    reader = back(writer, "d3889f7ff5f7b58000");
    OK(backrun_reader_native_datetime(reader, &ticks, &kind, E));
    CHECK(ticks == BACKRUN_TICKS_OF_1970 && kind == BACKRUN_DATETIME_LOCAL);
    done(writer, reader);
    FAILS(BACKRUN_INVALID_PAYLOAD, "the years 1 to 9999", backrun_writer_datetime(writer, -1, E));
    backrun_writer_clear(writer);
    FAILS(BACKRUN_INVALID_ARGUMENT, "kind is 3", backrun_writer_native_datetime(writer, 0, 3, E));
    backrun_writer_free(writer);
}

TEST(an_offset_stands_beside_what_its_clock_shows) {
    backrun_writer *writer = writer_of(0);
    int64_t ticks = 0;
    int32_t offset = 0;
    const int64_t clock = BACKRUN_TICKS_OF_1970 + INT64_C(1704164645) * 10000000; // 2024-01-02 03:04:05
    OK(backrun_writer_datetimeoffset(writer, clock, 540, E));
    backrun_reader *reader = back(writer, "92d6ff65937d25cd021c");
    OK(backrun_reader_datetimeoffset(reader, &ticks, &offset, E));
    CHECK(ticks == clock && offset == 540);
    done(writer, reader);
    FAILS(BACKRUN_INVALID_PAYLOAD, "841", backrun_writer_datetimeoffset(writer, clock, 841, E));
    backrun_writer_clear(writer);
    FAILS(BACKRUN_INVALID_ARGUMENT, "offset_minutes is 65536", backrun_writer_datetimeoffset(writer, clock, 65536, E));
    backrun_writer_free(writer);
}

TEST(spans_dates_and_times_of_day_are_integers_in_their_range) {
    backrun_writer *writer = writer_of(0);
    int64_t ticks = 0;
    int32_t day = 0;
    OK(backrun_writer_timespan(writer, -10000000, E));
    backrun_reader *reader = back(writer, "d2ff676980");
    OK(backrun_reader_timespan(reader, &ticks, E));
    CHECK_INT(-10000000, ticks);
    done(writer, reader);
    OK(backrun_writer_dateonly(writer, 738886, E));
    reader = back(writer, "ce000b4646");
    OK(backrun_reader_dateonly(reader, &day, E));
    CHECK_INT(738886, day);
    done(writer, reader);
    OK(backrun_writer_timeonly(writer, INT64_C(110450000000), E));
    reader = back(writer, "cf00000019b7554080");
    OK(backrun_reader_timeonly(reader, &ticks, E));
    CHECK_INT(INT64_C(110450000000), ticks);
    done(writer, reader);
    FAILS(BACKRUN_INVALID_PAYLOAD, "3652059", backrun_writer_dateonly(writer, 3652059, E));
    backrun_writer_clear(writer);
    FAILS(BACKRUN_INVALID_PAYLOAD, "864000000000", backrun_writer_timeonly(writer, INT64_C(864000000000), E));
    backrun_writer_free(writer);
}

TEST(large_integers_are_bytes_from_the_lowest_on) {
    backrun_writer *writer = writer_of(0);
    OK(backrun_writer_bigint(writer, bytes("\x80\x80\xff\xff"), E)); // The last two only repeat the sign.
    backrun_reader *reader = back(writer, "c4028080");
    OK(backrun_reader_skip(reader, NULL, E));
    done(writer, reader);
    OK(backrun_writer_bigint(writer, bytes(""), E));
    reader = back(writer, "c40100");
    OK(backrun_reader_skip(reader, NULL, E));
    done(writer, reader);
    uint64_t low = 0, high = 0;
    int64_t signed_high = 0;
    OK(backrun_writer_int128(writer, UINT64_MAX - 1, -1, E));
    reader = back(writer, "c410feffffffffffffffffffffffffffffff");
    OK(backrun_reader_int128(reader, &low, &signed_high, E));
    CHECK(low == UINT64_MAX - 1 && signed_high == -1);
    done(writer, reader);
    OK(backrun_writer_uint128(writer, 1, UINT64_MAX, E));
    reader = back(writer, "c4100100000000000000ffffffffffffffff");
    OK(backrun_reader_uint128(reader, &low, &high, E));
    CHECK(low == 1 && high == UINT64_MAX);
    done(writer, reader);
    backrun_writer_free(writer);
    writer = writer_of(BACKRUN_MESSAGEPACK_2_5);
    FAILS(BACKRUN_INVALID_PAYLOAD, "Int128", backrun_writer_int128(writer, 1, 0, E));
    backrun_writer_free(writer);
}
