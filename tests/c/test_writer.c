// Writers: what each value looks like, arrays and maps whose counts are kept, errors that stick.

#include "test.h"

static backrun_writer *writer_with(backrun_codec_settings settings) {
    backrun_writer *writer = NULL;
    settings.struct_size = sizeof settings;
    OK(backrun_writer_new(&settings, &writer, E));
    return writer;
}

static backrun_writer *new_writer(void) {
    return writer_with((backrun_codec_settings){.version = 0});
}

// The bytes, as two hexadecimal digits each.
static void check_hex(const char *expected, backrun_bytes actual) {
    char hex[512] = "";
    CHECK(actual.len * 2 < sizeof hex);
    for (size_t i = 0; i < actual.len; i++) {
        snprintf(hex + 2 * i, 3, "%02x", actual.data[i]);
    }
    test_check_text(__FILE__, __LINE__, expected, str(hex), "what was written");
}

// What a writer that is done with has written; it is then as new.
static void check_written(const char *expected, backrun_writer *writer) {
    backrun_bytes written = {NULL, 0};
    OK(backrun_writer_bytes(writer, &written, E));
    check_hex(expected, written);
    backrun_writer_clear(writer);
}

#define WRITES(hex, ...)                                                                                               \
    do {                                                                                                               \
        OK(__VA_ARGS__);                                                                                               \
        check_written(hex, writer);                                                                                    \
    } while (0)

TEST(each_value_has_the_form_that_the_library_gives_it) {
    backrun_writer *writer = new_writer();
    WRITES("c0", backrun_writer_nil(writer, E));
    WRITES("c2", backrun_writer_bool(writer, 0, E));
    WRITES("c3", backrun_writer_bool(writer, -7, E));
    WRITES("7f", backrun_writer_int(writer, 127, E));
    WRITES("ccc8", backrun_writer_int(writer, 200, E));
    WRITES("d1ff7f", backrun_writer_int(writer, -129, E));
    WRITES("d38000000000000000", backrun_writer_int(writer, INT64_MIN, E));
    WRITES("cfffffffffffffffff", backrun_writer_uint(writer, UINT64_MAX, E));
    WRITES("ca3fc00000", backrun_writer_f32(writer, 1.5f, E));
    WRITES("cb3ff8000000000000", backrun_writer_f64(writer, 1.5, E));
    WRITES("a0", backrun_writer_str(writer, str(""), E));
    WRITES("a3e38182", backrun_writer_str(writer, str("\xe3\x81\x82"), E));
    WRITES("c40201ff", backrun_writer_bin(writer, bytes("\x01\xff"), E));
    WRITES("d40541", backrun_writer_ext(writer, 5, bytes("A"), E));
    WRITES("c70380414243", backrun_writer_ext(writer, -128, bytes("ABC"), E));
    WRITES("d6ff4cf5bb59", backrun_writer_timestamp(writer, 1291172697, 0, E));
    WRITES("d7ff0000019000000000", backrun_writer_timestamp(writer, 0, 199, E));
    backrun_writer_free(writer);
}

TEST(full_width_is_the_width_of_the_type) {
    backrun_writer *writer = new_writer();
    WRITES("d001", backrun_writer_full_int(writer, 1, 8, E));
    WRITES("d10001", backrun_writer_full_int(writer, 1, 16, E));
    WRITES("d200000001", backrun_writer_full_int(writer, 1, 32, E));
    WRITES("d3ffffffffffffffff", backrun_writer_full_int(writer, -1, 64, E));
    WRITES("cc01", backrun_writer_full_uint(writer, 1, 8, E));
    WRITES("cd0001", backrun_writer_full_uint(writer, 1, 16, E));
    WRITES("ce00000001", backrun_writer_full_uint(writer, 1, 32, E));
    WRITES("cf0000000000000001", backrun_writer_full_uint(writer, 1, 64, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "value is 128, which does not fit into 8 bits with a sign",
        backrun_writer_full_int(writer, 128, 8, E));
    backrun_writer_clear(writer);
    FAILS(BACKRUN_INVALID_ARGUMENT, "value is 65536", backrun_writer_full_uint(writer, 65536, 16, E));
    backrun_writer_clear(writer);
    FAILS(BACKRUN_INVALID_ARGUMENT, "bits is 12", backrun_writer_full_int(writer, 1, 12, E));
    backrun_writer_free(writer);
}

TEST(half_a_pair_of_surrogates_is_written_as_the_replacement) {
    backrun_writer *writer = new_writer();
    const uint16_t units[] = {'a', 0xd83d, 0xde00, 0xd83d, 'b'};
    WRITES("a961f09f9880efbfbd62", backrun_writer_str_utf16(writer, units, 5, E));
    backrun_writer_free(writer);
}

TEST(an_object_is_a_map_of_names_and_arrays_lie_in_it) {
    backrun_writer *writer = new_writer();
    OK(backrun_writer_begin_map(writer, 2, E));
    OK(backrun_writer_key(writer, str("A"), E));
    OK(backrun_writer_begin_array(writer, 2, E));
    OK(backrun_writer_int(writer, 1, E));
    OK(backrun_writer_begin_array(writer, 0, E));
    OK(backrun_writer_end(writer, E));
    OK(backrun_writer_end(writer, E));
    OK(backrun_writer_key(writer, str("B"), E));
    OK(backrun_writer_nil(writer, E));
    OK(backrun_writer_end(writer, E));
    check_written("82a141920190a142c0", writer);
    backrun_writer_free(writer);
}

TEST(the_old_specification_has_no_str8_and_no_bin_but_for_names) {
    backrun_writer *writer = writer_with((backrun_codec_settings){.flags = BACKRUN_CODEC_OLD_SPEC});
    char text[33];
    memset(text, 'x', 32);
    text[32] = 0;
    WRITES("a141", backrun_writer_bin(writer, bytes("A"), E));
    OK(backrun_writer_begin_map(writer, 1, E));
    OK(backrun_writer_key(writer, str(text), E));
    OK(backrun_writer_str(writer, str(text), E));
    OK(backrun_writer_end(writer, E));
    backrun_bytes written = {NULL, 0};
    OK(backrun_writer_bytes(writer, &written, E));
    CHECK(written.data[1] == 0xd9 && written.data[1 + 2 + 32] == 0xda);
    backrun_writer_clear(writer);
    FAILS(BACKRUN_INVALID_PAYLOAD, "old specification", backrun_writer_timestamp(writer, 0, 0, E));
    backrun_writer_free(writer);
}

// ---- Counts.

TEST(a_value_too_many_is_refused_where_it_is_written) {
    backrun_writer *writer = new_writer();
    OK(backrun_writer_begin_array(writer, 2, E));
    OK(backrun_writer_begin_array(writer, 1, E));
    OK(backrun_writer_nil(writer, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "the array of 1 elements that begins at byte 1 has all of them",
        backrun_writer_nil(writer, E));
    backrun_writer_free(writer);
}

TEST(an_end_that_comes_too_early_names_what_is_missing) {
    backrun_writer *writer = new_writer();
    OK(backrun_writer_begin_array(writer, 1, E));
    OK(backrun_writer_begin_map(writer, 3, E));
    OK(backrun_writer_key(writer, str("A"), E));
    OK(backrun_writer_nil(writer, E));
    OK(backrun_writer_key(writer, str("B"), E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "the map of 3 keys that begins at byte 1 has 1 and a key without its value",
        backrun_writer_end(writer, E));
    backrun_writer_clear(writer);
    FAILS(BACKRUN_INVALID_ARGUMENT, "no array and no map", backrun_writer_end(writer, E));
    backrun_writer_free(writer);
}

TEST(what_is_not_ended_is_not_given_out) {
    backrun_writer *writer = new_writer();
    backrun_bytes written = bytes("?");
    FAILS(BACKRUN_INVALID_ARGUMENT, "nothing was written", backrun_writer_bytes(writer, &written, E));
    CHECK(written.data == NULL && written.len == 0);
    backrun_writer_clear(writer);
    OK(backrun_writer_begin_array(writer, 2, E));
    OK(backrun_writer_nil(writer, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "the array of 2 elements that begins at byte 0 has 1",
        backrun_writer_bytes(writer, &written, E));
    backrun_writer_clear(writer);
    OK(backrun_writer_begin_array(writer, 0, E));
    backrun_buffer *taken = (void *)1;
    FAILS(BACKRUN_INVALID_ARGUMENT, "call backrun_writer_end", backrun_writer_take(writer, &taken, E));
    CHECK(taken == NULL);
    backrun_writer_free(writer);
}

TEST(a_payload_is_one_value) {
    backrun_writer *writer = new_writer();
    OK(backrun_writer_int(writer, 1, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "complete with its 1 bytes", backrun_writer_int(writer, 2, E));
    backrun_writer_free(writer);
}

TEST(a_name_is_written_only_where_a_key_is_due) {
    backrun_writer *writer = new_writer();
    FAILS(BACKRUN_INVALID_ARGUMENT, "no key is due where the key 'A' was written",
        backrun_writer_key(writer, str("A"), E));
    backrun_writer_clear(writer);
    OK(backrun_writer_begin_map(writer, 1, E));
    OK(backrun_writer_int(writer, 7, E)); // Any value may be a key.
    FAILS(BACKRUN_INVALID_ARGUMENT, "no key is due", backrun_writer_key(writer, str("A"), E));
    backrun_writer_free(writer);
}

TEST(a_count_that_has_no_header_is_refused) {
    backrun_writer *writer = new_writer();
    FAILS(BACKRUN_INVALID_PAYLOAD, "4294967296", backrun_writer_begin_array(writer, UINT64_C(1) << 32, E));
    backrun_writer_clear(writer);
    OK(backrun_writer_begin_map(writer, UINT32_MAX, E)); // Nothing is allocated for what is only announced.
    backrun_writer_free(writer);
}

// ---- Whole values.

TEST(a_raw_value_is_exactly_one) {
    backrun_writer *writer = new_writer();
    OK(backrun_writer_begin_array(writer, 1, E));
    OK(backrun_writer_raw(writer, bytes("\x92\x01\xa1?"), E));
    OK(backrun_writer_end(writer, E));
    check_written("919201a13f", writer);
    FAILS(BACKRUN_INVALID_PAYLOAD, "byte 1", backrun_writer_raw(writer, bytes("\x01\x02"), E));
    backrun_writer_clear(writer);
    FAILS(BACKRUN_INVALID_PAYLOAD, "byte 0", backrun_writer_raw(writer, bytes("\xa5?"), E));
    backrun_writer_clear(writer);
    FAILS(BACKRUN_INVALID_PAYLOAD, "byte 0", backrun_writer_raw(writer, bytes(""), E));
    backrun_writer_free(writer);
}

TEST(what_is_taken_is_the_callers_and_the_writer_is_as_new) {
    backrun_writer *writer = new_writer();
    backrun_buffer *taken = NULL;
    OK(backrun_writer_int(writer, 1, E));
    OK(backrun_writer_take(writer, &taken, E));
    OK(backrun_writer_int(writer, 2, E));
    check_written("02", writer);
    backrun_writer_free(writer);
    check_hex("01", backrun_buffer_bytes(taken));
    backrun_buffer_free(taken);
}

// ---- Errors.

TEST(the_first_error_sticks_until_the_writer_is_cleared) {
    backrun_writer *writer = new_writer();
    OK(backrun_writer_begin_array(writer, 2, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "code is 128", backrun_writer_ext(writer, 128, bytes(""), E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "code is 128", backrun_writer_nil(writer, E));
    CHECK_INT(BACKRUN_INVALID_ARGUMENT, backrun_writer_end(writer, NULL));
    backrun_bytes written = bytes("?");
    FAILS(BACKRUN_INVALID_ARGUMENT, "code is 128", backrun_writer_bytes(writer, &written, E));
    CHECK(written.len == 0);
    backrun_writer_clear(writer);
    WRITES("c0", backrun_writer_nil(writer, E));
    backrun_writer_free(writer);
}

TEST(text_that_is_not_utf8_is_refused) {
    backrun_writer *writer = new_writer();
    FAILS(BACKRUN_INVALID_ARGUMENT, "offset 1", backrun_writer_str(writer, str("a\xff"), E));
    backrun_writer_free(writer);
}

TEST(settings_that_do_not_exist_are_refused_by_name) {
    backrun_writer *writer = (void *)1;
    backrun_codec_settings settings = {.struct_size = sizeof settings, .version = 3};
    FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_codec_settings.version is 3", backrun_writer_new(&settings, &writer, E));
    CHECK(writer == NULL);
    settings.version = BACKRUN_MESSAGEPACK_2_5;
    settings.flags = 6;
    FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_codec_settings.flags is 0x6", backrun_writer_new(&settings, &writer, E));
    settings.flags = 0;
    OK(backrun_writer_new(&settings, &writer, E));
    backrun_writer_free(writer);
}
