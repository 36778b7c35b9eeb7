// Readers: values in order, arrays and maps that are left over what a newer program added, errors that stick; and
// whole payloads.

#include "test.h"

static backrun_reader *reader_with(const void *data, size_t size, backrun_codec_settings settings) {
    backrun_reader *reader = NULL;
    settings.struct_size = sizeof settings;
    OK(backrun_reader_new((backrun_bytes){data, size}, &settings, &reader, E));
    return reader;
}

// Of a literal, which may have NULs in it.
#define READER(literal) reader_with(literal, sizeof literal - 1, (backrun_codec_settings){.version = 0})

static void done(backrun_reader *reader) {
    OK(backrun_reader_finish(reader, E));
    backrun_reader_free(reader);
}

TEST(each_value_is_taken_as_its_kind) {
    backrun_reader *reader = READER("\xc0\xc3\xd0\xff\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xca\x3f\xc0\0\0\x05"
                                    "\xa2hi\xc4\x01?\xd4\x05?\xd7\xff\0\0\x01\x90\0\0\0\x02");
    int32_t truth = 0, code = 0;
    int64_t number = 0, seconds = 0;
    uint64_t large = 0;
    uint32_t nanos = 0;
    float narrow = 0;
    double wide = 0;
    backrun_str text = {NULL, 0};
    backrun_bytes data = {NULL, 0};
    OK(backrun_reader_nil(reader, E));
    OK(backrun_reader_bool(reader, &truth, E));
    CHECK_INT(1, truth);
    OK(backrun_reader_int(reader, &number, E));
    CHECK_INT(-1, number);
    OK(backrun_reader_uint(reader, &large, E));
    CHECK(large == UINT64_MAX);
    OK(backrun_reader_f32(reader, &narrow, E));
    CHECK(narrow == 1.5f);
    OK(backrun_reader_f64(reader, &wide, E)); // An integer is a number too.
    CHECK(wide == 5.0);
    OK(backrun_reader_str(reader, &text, E));
    CHECK_TEXT("hi", text);
    OK(backrun_reader_bin(reader, &data, E));
    CHECK(data.len == 1 && data.data[0] == '?');
    OK(backrun_reader_peek_ext(reader, &code, E));
    CHECK_INT(5, code);
    OK(backrun_reader_ext(reader, &code, &data, E));
    CHECK(code == 5 && data.len == 1);
    OK(backrun_reader_timestamp(reader, &seconds, &nanos, E));
    CHECK(seconds == 2 && nanos == 100);
    uint32_t kind = 0;
    OK(backrun_reader_peek(reader, &kind, E));
    CHECK_INT(BACKRUN_KIND_END, kind);
    done(reader);
}

TEST(the_kind_of_what_comes_next_can_be_seen) {
    static const struct {
        const char *input;
        uint32_t kind;
    } all[] = {
        {"\xc0", BACKRUN_KIND_NIL},
        {"\xc2", BACKRUN_KIND_BOOL},
        {"\xd3", BACKRUN_KIND_INT},
        {"\xcb", BACKRUN_KIND_FLOAT},
        {"\xd9", BACKRUN_KIND_STR},
        {"\xc6", BACKRUN_KIND_BIN},
        {"\x95", BACKRUN_KIND_ARRAY},
        {"\xde", BACKRUN_KIND_MAP},
        {"\xc7", BACKRUN_KIND_EXT},
        {"", BACKRUN_KIND_END},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        backrun_reader *reader = reader_with(all[i].input, strlen(all[i].input), (backrun_codec_settings){.flags = 0});
        uint32_t kind = 0;
        OK(backrun_reader_peek(reader, &kind, E));
        CHECK_INT(all[i].kind, kind);
        CHECK_INT(0, (long long)backrun_reader_offset(reader));
        done(reader);
    }
    backrun_reader *reader = READER("\xc1");
    uint32_t kind = 77;
    FAILS(BACKRUN_INVALID_PAYLOAD, "byte 0", backrun_reader_peek(reader, &kind, E));
    CHECK_INT(0, kind);
    backrun_reader_free(reader);
}

TEST(what_may_be_null_is_asked_for_first) {
    backrun_reader *reader = READER("\x92\xc0\x07");
    size_t count = 0;
    int32_t is_nil = 0, number = 0;
    OK(backrun_reader_begin_array(reader, &count, E));
    OK(backrun_reader_try_nil(reader, &is_nil, E));
    CHECK_INT(1, is_nil);
    OK(backrun_reader_try_nil(reader, &is_nil, E));
    CHECK_INT(0, is_nil);
    OK(backrun_reader_int32(reader, &number, E));
    CHECK_INT(7, number);
    FAILS(BACKRUN_INVALID_ARGUMENT, "no more values", backrun_reader_try_nil(reader, &is_nil, E));
    backrun_reader_free(reader);
}

// ---- Arrays and maps.

TEST(what_a_newer_program_added_is_skipped_at_the_end) {
    backrun_reader *reader = READER("\x93\x92\x01\x82\xa1x\x91\x01\xa1y\xc0\x05\xd4\x07?");
    size_t count = 0;
    int64_t number = 0;
    OK(backrun_reader_begin_array(reader, &count, E));
    CHECK_INT(3, (long long)count);
    OK(backrun_reader_begin_array(reader, &count, E));
    OK(backrun_reader_int(reader, &number, E));
    OK(backrun_reader_end(reader, E));
    OK(backrun_reader_int(reader, &number, E));
    CHECK_INT(5, number);
    OK(backrun_reader_end(reader, E));
    CHECK_INT(15, (long long)backrun_reader_offset(reader));
    done(reader);
}

TEST(an_object_is_read_by_the_names_of_its_members_in_any_order) {
    backrun_reader *reader = READER("\x83\xa1"
                                    "C\x91\x91\xc0\xa1"
                                    "B\xa2hi\xa1"
                                    "A\x07");
    size_t members = 0;
    int64_t a = 0;
    backrun_str b = {NULL, 0};
    OK(backrun_reader_begin_map(reader, &members, E));
    for (; members > 0; members--) {
        backrun_str name = {NULL, 0};
        OK(backrun_reader_str(reader, &name, E));
        if (same(name, "A")) {
            OK(backrun_reader_int(reader, &a, E));
        } else if (same(name, "B")) {
            OK(backrun_reader_str(reader, &b, E));
        } else {
            backrun_bytes skipped = {NULL, 0};
            OK(backrun_reader_skip(reader, &skipped, E));
            CHECK(skipped.len == 3 && memcmp(skipped.data, "\x91\x91\xc0", 3) == 0);
        }
    }
    OK(backrun_reader_end(reader, E));
    CHECK_INT(7, a);
    CHECK_TEXT("hi", b);
    done(reader);
}

TEST(no_value_is_read_past_the_last_one_of_an_array) {
    backrun_reader *reader = READER("\x92\x91\x01\x02");
    size_t count = 0;
    int64_t number = 77;
    uint32_t kind = 0;
    OK(backrun_reader_begin_array(reader, &count, E));
    OK(backrun_reader_begin_array(reader, &count, E));
    OK(backrun_reader_int(reader, &number, E));
    OK(backrun_reader_peek(reader, &kind, E));
    CHECK_INT(BACKRUN_KIND_END, kind);
    FAILS(BACKRUN_INVALID_ARGUMENT, "the array of 1 elements that begins at byte 1 has no more values",
        backrun_reader_int(reader, &number, E));
    CHECK_INT(0, number);
    backrun_reader_free(reader);
}

TEST(what_is_not_ended_is_named_at_the_finish) {
    backrun_reader *reader = READER("\x81\xa1x\x01");
    size_t count = 0;
    OK(backrun_reader_begin_map(reader, &count, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "the map of 1 keys that begins at byte 0", backrun_reader_finish(reader, E));
    backrun_reader_free(reader);
    reader = READER("\x01");
    FAILS(BACKRUN_INVALID_ARGUMENT, "no array and no map", backrun_reader_end(reader, E));
    backrun_reader_free(reader);
}

TEST(bytes_after_the_value_are_no_error) {
    backrun_reader *reader = READER("\x01\xc1\xc1");
    int64_t number = 0;
    OK(backrun_reader_int(reader, &number, E));
    done(reader);
}

// ---- Errors.

TEST(the_first_error_sticks_and_names_its_byte) {
    backrun_reader *reader = READER("\x93\x01\xa1x\x02");
    size_t count = 0;
    int64_t number = 77;
    OK(backrun_reader_begin_array(reader, &count, E));
    OK(backrun_reader_int(reader, &number, E));
    FAILS(BACKRUN_INVALID_PAYLOAD, "byte 2: an integer was expected, and there is text (0xa1)",
        backrun_reader_int(reader, &number, E));
    CHECK_INT(0, number);
    CHECK_INT(2, (long long)backrun_reader_offset(reader));
    backrun_str text = str("?");
    FAILS(BACKRUN_INVALID_PAYLOAD, "byte 2", backrun_reader_str(reader, &text, E));
    CHECK(text.len == 0);
    FAILS(BACKRUN_INVALID_PAYLOAD, "byte 2", backrun_reader_begin_array(reader, &count, E));
    CHECK_INT(0, (long long)count);
    CHECK_INT(BACKRUN_INVALID_PAYLOAD, backrun_reader_end(reader, NULL));
    FAILS(BACKRUN_INVALID_PAYLOAD, "byte 2", backrun_reader_finish(reader, E));
    backrun_reader_free(reader);
}

TEST(a_number_that_does_not_fit_is_refused) {
    backrun_reader *reader = READER("\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
    int64_t number = 0;
    FAILS(BACKRUN_INVALID_PAYLOAD, "18446744073709551615", backrun_reader_int(reader, &number, E));
    backrun_reader_free(reader);
    reader = READER("\xce\x80\0\0\0");
    int32_t small = 0;
    FAILS(BACKRUN_INVALID_PAYLOAD, "2147483648", backrun_reader_int32(reader, &small, E));
    backrun_reader_free(reader);
    reader = READER("\xff");
    uint64_t large = 0;
    FAILS(BACKRUN_INVALID_PAYLOAD, "-1", backrun_reader_uint(reader, &large, E));
    backrun_reader_free(reader);
}

TEST(text_that_is_not_utf8_can_be_had_as_bytes) {
    backrun_reader *reader = READER("\xa3"
                                    "a\xff"
                                    "b");
    backrun_str text = {NULL, 0};
    FAILS(BACKRUN_INVALID_PAYLOAD, "byte 2", backrun_reader_str(reader, &text, E));
    backrun_reader_free(reader);
    reader = READER("\xa3"
                    "a\xff"
                    "b");
    backrun_bytes raw = {NULL, 0};
    OK(backrun_reader_str_bytes(reader, &raw, E));
    CHECK(raw.len == 3 && raw.data[1] == 0xff);
    done(reader);
}

TEST(every_way_to_cut_a_message_short_is_an_error) {
    static const char whole[] = "\x93\xa3two\x81\xc4\x02xy\xd6\xff\0\0\0\x01\xcb\0\0\0\0\0\0\0\0";
    for (size_t size = 0; size < sizeof whole - 1; size++) {
        uint8_t *cut = malloc(size + 1); // As long as it is: a sanitizer sees each byte too far.
        CHECK(cut != NULL);
        memcpy(cut, whole, size);
        backrun_reader *reader = reader_with(cut, size, (backrun_codec_settings){.flags = 0});
        FAILS(BACKRUN_INVALID_PAYLOAD, "byte", backrun_reader_skip(reader, NULL, E));
        backrun_reader_free(reader);
        FAILS(BACKRUN_INVALID_PAYLOAD, "byte", backrun_payload_validate((backrun_bytes){cut, size}, NULL, E));
        free(cut);
    }
    OK(backrun_payload_validate((backrun_bytes){(const uint8_t *)whole, sizeof whole - 1}, NULL, E));
}

TEST(a_count_that_the_input_cannot_hold_is_refused_before_anything_is_made) {
    backrun_reader *reader = READER("\xdd\xff\xff\xff\xff\xc0");
    size_t count = 77;
    FAILS(BACKRUN_INVALID_PAYLOAD, "4294967295 elements are claimed", backrun_reader_begin_array(reader, &count, E));
    CHECK_INT(0, (long long)count);
    backrun_reader_free(reader);
}

TEST(depth_has_a_limit_but_not_where_it_is_skipped) {
    enum { DEEP = 100 * 1000 };
    uint8_t *input = malloc(DEEP + 1);
    CHECK(input != NULL);
    memset(input, 0x91, DEEP);
    input[DEEP] = 0xc0;
    backrun_reader *reader = reader_with(input, DEEP + 1, (backrun_codec_settings){.max_depth = 0});
    size_t count = 0;
    for (int i = 0; i < 500; i++) {
        OK(backrun_reader_begin_array(reader, &count, E));
    }
    FAILS(BACKRUN_INVALID_PAYLOAD, "more than 500 deep", backrun_reader_begin_array(reader, &count, E));
    backrun_reader_free(reader);
    reader = reader_with(input, DEEP + 1, (backrun_codec_settings){.max_depth = 2});
    OK(backrun_reader_skip(reader, NULL, E));
    done(reader);
    backrun_bytes all = {input, DEEP + 1};
    FAILS(BACKRUN_INVALID_PAYLOAD, "byte 500", backrun_payload_validate(all, NULL, E));
    backrun_codec_settings deep = {.struct_size = sizeof deep, .max_depth = DEEP};
    OK(backrun_payload_validate(all, &deep, E));
    free(input);
}

TEST(version_2_5_takes_no_str8_for_bytes) {
    static const char input[] = "\xd9\x01?";
    backrun_reader *reader = reader_with(input, 3, (backrun_codec_settings){.version = BACKRUN_MESSAGEPACK_2_5});
    backrun_bytes data = {NULL, 0};
    FAILS(BACKRUN_INVALID_PAYLOAD, "bytes", backrun_reader_bin(reader, &data, E));
    backrun_reader_free(reader);
    reader = reader_with(input, 3, (backrun_codec_settings){.version = BACKRUN_MESSAGEPACK_3_1});
    OK(backrun_reader_bin(reader, &data, E));
    CHECK_INT(1, (long long)data.len);
    done(reader);
}

TEST(a_payload_is_one_whole_value) {
    OK(backrun_payload_validate(bytes("\x92\x01\xa1?"), NULL, E));
    FAILS(BACKRUN_INVALID_PAYLOAD, "byte 0", backrun_payload_validate(bytes(""), NULL, E));
    FAILS(BACKRUN_INVALID_PAYLOAD, "byte 1", backrun_payload_validate(bytes("\x01\x01"), NULL, E));
    FAILS(BACKRUN_INVALID_PAYLOAD, "byte 1", backrun_payload_validate(bytes("\x91\xc1"), NULL, E));
}
